package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the job's jar brings to a cluster: the native libraries of one platform, no Flink. */
class JobJarITCase {
  /**
   * Where each library of the numbers and of the texts is, by the platform that the build is told;
   * empty where there is none for it.
   */
  private static final Map<String, List<String>> NATIVE =
      Map.of(
          "linux-x86_64",
          List.of(
              "org/bytedeco/openblas/linux-x86_64/libjniopenblas_nolapack.so",
              "org/bytedeco/javacpp/linux-x86_64/libjnijavacpp.so",
              "ai/onnxruntime/native/linux-x64/libonnxruntime.so",
              "ai/onnxruntime/native/linux-x64/libonnxruntime4j_jni.so",
              "native/lib/linux-x86_64/cpu/libtokenizers.so"),
          "linux-arm64",
          List.of(
              "org/bytedeco/openblas/linux-arm64/libjniopenblas_nolapack.so",
              "org/bytedeco/javacpp/linux-arm64/libjnijavacpp.so",
              "ai/onnxruntime/native/linux-aarch64/libonnxruntime.so",
              "ai/onnxruntime/native/linux-aarch64/libonnxruntime4j_jni.so",
              "native/lib/linux-aarch64/cpu/libtokenizers.so"),
          "macosx-arm64",
          List.of(
              "org/bytedeco/openblas/macosx-arm64/libjniopenblas_nolapack.dylib",
              "org/bytedeco/javacpp/macosx-arm64/libjnijavacpp.dylib",
              "ai/onnxruntime/native/osx-aarch64/libonnxruntime.dylib",
              "ai/onnxruntime/native/osx-aarch64/libonnxruntime4j_jni.dylib",
              "native/lib/osx-aarch64/cpu/libtokenizers.dylib"));

  /** Their folders for any platform. */
  private static final String PLATFORMS =
      "(org/bytedeco/(openblas|javacpp)/(linux|macosx|windows)-|ai/onnxruntime/native/|native/lib/).*\\.(so|dylib|dll|jnilib)(\\.\\d+)?";

  private static List<String> names;
  private static long megabytes;

  @BeforeAll
  static void read() throws IOException {
    megabytes = JobJar.path().toFile().length() >> 20;
    try (JarFile jar = new JarFile(JobJar.path().toFile())) {
      names = jar.stream().map(ZipEntry::getName).toList();
    }
  }

  @Test
  void itHasTheLibrariesOfThePlatformAndOfNoOther() {
    String platform = System.getProperty("sidstream.native.platform");
    List<String> wanted = NATIVE.get(platform);
    assertThat(wanted).as("libraries of " + platform).isNotNull();
    assertThat(names).containsAll(wanted);
    List<String> folders =
        wanted.stream().map(name -> name.substring(0, name.lastIndexOf('/') + 1)).toList();
    assertThat(names.stream().filter(name -> name.matches(PLATFORMS)))
        .allMatch(name -> folders.stream().anyMatch(name::startsWith));
    assertThat(names).noneMatch(name -> name.contains(".dSYM"));
    assertThat(megabytes).isLessThan(200);
  }

  @Test
  void itHasWhatAFlinkDistributionHasNot() {
    assertThat(names)
        .contains(
            "io/sidstream/job/SidstreamJob.class",
            "org/apache/flink/connector/kafka/sink/KafkaSink.class",
            "org/apache/kafka/clients/producer/KafkaProducer.class",
            "META-INF/LICENSE",
            "META-INF/NOTICE")
        .doesNotContain(
            "org/apache/flink/runtime/taskexecutor/TaskExecutor.class",
            "org/apache/flink/streaming/api/environment/StreamExecutionEnvironment.class",
            "org/rocksdb/RocksDB.class",
            "org/slf4j/Logger.class",
            "org/apache/logging/log4j/core/Logger.class");
    assertThat(names).noneMatch(name -> name.startsWith("org/nd4j/"));
  }
}
