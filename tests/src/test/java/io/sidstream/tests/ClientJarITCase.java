package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client as it is shipped, beside the Avro of an application. */
class ClientJarITCase {
  private static final String PREFIX = "client-jar.";

  /** All that an application with the client's jar has to have. */
  private static final List<String> NEEDED =
      List.of("kafka-clients-", "slf4j-api-", "lz4-java-", "snappy-java-", "zstd-jni-");

  /** What the application's own Avro needs. */
  private static final List<String> OF_AVRO =
      List.of("jackson-core-", "jackson-databind-", "jackson-annotations-");

  @TempDir Path folder;

  private static String bootstrap;

  @BeforeAll
  static void aCommittedVersion() throws Exception {
    bootstrap = Broker.bootstrap();
    JobConfig config = TinyJob.config(bootstrap, "client-jar");
    Topics.create(config);
    WireFormat wire = new WireFormat();
    ItemToken row = new ItemToken();
    row.setItem("a");
    row.setVersion(1);
    row.setCommit(1);
    row.setRevision(1L);
    row.setCodes(List.of(1, 2, 3));
    row.setNearest(List.of(1, 2, 4));
    row.setDistances(List.of(.1f, .2f, .3f));
    row.setMargins(List.of(.1f, .2f, .3f));
    row.setTime(Instant.EPOCH);
    long sum = TokenChecksum.of("a", row.getCodes(), null);
    VersionRecord commit =
        VersionRecord.newBuilder()
            .setVersion(1)
            .setState(VersionState.COMMIT)
            .setRevision(1)
            .setItems(1)
            .setRows(1)
            .setRowsChecksum(sum)
            .setTableChecksum(sum)
            .setTime(Instant.now())
            .build();
    Map<String, Object> properties = Map.of("bootstrap.servers", bootstrap);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      byte[] key = "a".getBytes(StandardCharsets.UTF_8);
      producer.send(new ProducerRecord<>(Topics.tokens(config), key, wire.encode(row))).get();
      byte[] version = "1".getBytes(StandardCharsets.UTF_8);
      producer
          .send(new ProducerRecord<>(Topics.versions(config), version, wire.encode(commit)))
          .get();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.11.4", "1.12.0", "1.12.1", "1.12.2"})
  void aTableOpensBesideTheAvroOfAnApplication(String version) throws Exception {
    String file = "avro-" + version + ".jar";
    Path avro = Path.of("target", "avro", file).toAbsolutePath();
    List<String> classPath = new ArrayList<>();
    classPath.add(Files.exists(avro) ? avro.toString() : jar(file));
    classPath.add(clientJar().toString());
    for (String needed : NEEDED) {
      classPath.add(jar(needed));
    }
    for (String needed : OF_AVRO) {
      classPath.add(jar(needed));
    }
    classPath.add(Path.of("target", "test-classes").toAbsolutePath().toString());
    assertThat(classPath).noneMatch(entry -> entry.contains("sidstream-schemas"));

    Path output = folder.resolve("out");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                String.join(File.pathSeparator, classPath),
                AvroApplication.class.getName(),
                bootstrap,
                PREFIX,
                folder.resolve("snapshots").toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(120, TimeUnit.SECONDS);
    process.destroyForcibly();
    String said = Files.readString(output);
    assertThat(ended).as(said).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
    assertThat(said)
        .contains("avro " + file)
        .contains("own {\"n\": 7}")
        .containsPattern("version 1 a .*1.*2.*3");
  }

  @Test
  void theJarHasNothingThatAnotherJarMayHaveToo() throws Exception {
    try (JarFile jar = new JarFile(clientJar().toFile())) {
      List<String> names = jar.stream().map(JarEntry::getName).toList();
      assertThat(names.stream().filter(n -> n.endsWith(".class")))
          .isNotEmpty()
          .allMatch(n -> n.startsWith("io/sidstream/client/"));
      assertThat(names).contains("META-INF/LICENSE", "META-INF/NOTICE");
    }
  }

  private static Path clientJar() {
    Path jar = Path.of(jar("sidstream-client"));
    assertThat(jar.toString())
        .as("the client as packaged: run by 'mvnw verify', not 'mvnw test'")
        .endsWith(".jar");
    return jar;
  }

  /** The entry of this JVM's class path whose file name begins so. */
  private static String jar(String name) {
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Arrays.stream(path.split(File.pathSeparator))
        .filter(entry -> Path.of(entry).getFileName().toString().startsWith(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + name + " on the class path " + path));
  }
}
