package io.sidstream.job.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.JobEnvironment;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.RawRecord;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.WireFormat;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The job as of a jar that was built with -P job-jar-without-texts. */
class WithoutTextModelsTest {
  /** What the profile leaves out, by the beginnings of the files' names. */
  private static final String LEFT_OUT =
      "(onnxruntime|tokenizers|api-0\\.|gson|jna|langchain4j-embeddings)-?.*\\.jar";

  private URLClassLoader loader;

  @BeforeEach
  void open() throws Exception {
    List<URL> urls = new ArrayList<>();
    int left = 0;
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (Path.of(entry).getFileName().toString().matches(LEFT_OUT)) {
        left++;
      } else {
        urls.add(Path.of(entry).toUri().toURL());
      }
    }
    assertThat(left).as("jars left out").isEqualTo(7);
    loader = new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
  }

  @AfterEach
  void close() throws Exception {
    loader.close();
  }

  @Test
  void theJobIsBuiltAndTakesVectors() throws Exception {
    assertThat(call("graph", Map.of())).isEqualTo("built");
    assertThat(call("graph", Map.of("content.dim", "3"))).isEqualTo("built");
    assertThat(call("vector", Map.of("content.dim", "3"))).isEqualTo("accepted a");
  }

  @Test
  void aTextIsADeadLetterThatSaysWhatToDo() throws Exception {
    assertThat(call("text", Map.of()))
        .startsWith(
            "TEXT_NOT_EMBEDDABLE vector is null, and there is no ai.djl.huggingface:tokenizers")
        .endsWith(
            "built with -P job-jar-without-texts; take one that was built without it, or send vectors");
  }

  @Test
  void theJobDoesNotStartWhereATextModelIsAskedFor() throws Exception {
    assertThat(call("graph", Map.of("embed.model", "minilm-quantized")))
        .startsWith("ConfigException embed.model is 'minilm-quantized', and there is no ")
        .endsWith("or send vectors and leave it unset");
    assertThat(call("graph", Map.of("embed.model", "./no-such-folder")))
        .startsWith("ConfigException embed.model is './no-such-folder', and there is no ");
  }

  private String call(String what, Map<String, String> settings) throws Exception {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(loader);
    try {
      return (String)
          loader
              .loadClass(InThatJar.class.getName())
              .getMethod(what, Map.class)
              .invoke(null, settings);
    } catch (InvocationTargetException e) {
      throw new AssertionError(e.getCause());
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** Runs on that class path, so that strings go in and out. */
  public static final class InThatJar {
    private InThatJar() {}

    /** Builds the job's graph, as far as it is sent to a cluster. */
    public static String graph(Map<String, String> settings) {
      try {
        JobConfig config = JobConfig.of(settings);
        StreamExecutionEnvironment env =
            StreamExecutionEnvironment.getExecutionEnvironment(JobEnvironment.flink(config));
        SidstreamJob.build(env, config);
        assertThat(env.getStreamGraph().getJobGraph().getNumberOfVertices()).isPositive();
        return "built";
      } catch (RuntimeException e) {
        return e.getClass().getSimpleName() + " " + e.getMessage();
      }
    }

    /** What Ingest makes of an item with a vector. */
    public static String vector(Map<String, String> settings) {
      return item(settings, new float[] {1, 2, 3}, null);
    }

    /** What Ingest makes of an item with a text alone. */
    public static String text(Map<String, String> settings) {
      return item(settings, null, "shampoo");
    }

    private static String item(Map<String, String> settings, float[] vector, String text) {
      ItemEvent event =
          ItemEvent.newBuilder()
              .setItem("a")
              .setText(text)
              .setVector(vector == null ? null : Vectors.toList(vector))
              .setTime(Instant.ofEpochMilli(1_600_000_000_000L))
              .build();
      RawRecord raw = new RawRecord();
      raw.key = "a".getBytes(StandardCharsets.UTF_8);
      raw.value = new WireFormat().encode(event);
      try {
        Validation validation = new Validation(JobConfig.of(settings));
        return "accepted " + validation.item(raw, 1_700_000_000_000L).item;
      } catch (Rejection e) {
        return e.rule() + " " + e.getMessage();
      }
    }
  }
}
