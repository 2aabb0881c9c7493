package io.sidstream.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.CommandRun;
import io.sidstream.lab.LabRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The measurements run and compute what they say; their figures are for a quiet machine. */
class BenchTest {
  private static final Path PEER = Path.of("peers", "pytorch_peer.py").toAbsolutePath();

  @Test
  void encodeRunsNextToOnnxRuntime() throws IOException {
    JsonNode report = bench("encode", "--batches", "1,8", "--seconds", "0.01", "--python", "/no");
    assertThat(report.path("batches")).hasSize(2);
    for (JsonNode batch : report.path("batches")) {
      assertThat(batch.path("sidstream").asDouble()).isPositive();
      assertRatio(batch, "onnxRuntime");
      assertRatio(batch, "onnxRuntimeWhole");
      assertRatio(batch.path("wall"), "onnxRuntimeWhole");
      assertThat(batch.path("pytorch").isNull()).isTrue();
    }
    assertThat(report.path("batches").path(1).path("batch").asInt()).isEqualTo(8);
    assertThat(report.path("sgemmPeakGflops").asDouble()).isPositive();
    // Sums in another order may tip a near tie, no more.
    assertThat(report.path("sameCodes").path("onnxRuntime").asDouble()).isGreaterThan(0.99);
    assertThat(report.path("sameCodes").path("onnxRuntimeWhole").asDouble()).isGreaterThan(0.99);
    assertThat(report.path("skipped").path("pytorch").asText()).contains("no torch in /no");
  }

  private static void assertRatio(JsonNode figures, String peer) {
    assertThat(figures.path(peer).asDouble()).as(peer).isPositive();
    assertThat(figures.path("ratioOfMedians").path(peer).asDouble())
        .isCloseTo(
            figures.path("sidstream").asDouble() / figures.path(peer).asDouble(), within(1e-9));
  }

  @Test
  void trainRunsAlone() throws IOException {
    JsonNode report =
        bench("train", "--users", "8", "--items", "300", "--steps", "1", "--python", "/no");
    assertThat(report.path("sidstream").asDouble()).isPositive();
    assertThat(report.path("pytorchPadded").isNull()).isTrue();
    assertThat(report.path("meanLength").asDouble()).isBetween(6.0, 12.0);
  }

  /** In a cluster of this process, five items on a tuple and some prefixes far beyond full. */
  @Test
  void resolveMakesTokensUniqueHoweverManyCollide() throws IOException {
    for (String strategy : List.of("NEAREST_FREE", "SUFFIX")) {
      CommandRun run =
          LabRun.of("bench", "resolve", "--items", 5000, "--repeats", 1, "--strategy", strategy);
      assertThat(run.code()).as(run.err()).isZero();
      JsonNode report = new ObjectMapper().readTree(run.out());
      assertThat(report.path("tuples").asInt()).isEqualTo(1000);
      assertThat(report.path("fullestPrefix").path("items").asInt()).isGreaterThan(256);
      assertThat(report.path("uniqueBefore").asDouble()).isLessThan(.2);
      assertThat(report.path("claiming").path("unique").asDouble()).isEqualTo(1);
      assertThat(report.path("claiming").path("itemsPerSecond").asDouble()).isPositive();
      assertThat(report.path("claiming").path("suffix").asDouble()).isPositive();
      assertThat(report.path("moving").path("items").asInt()).isEqualTo(500);
      assertThat(report.path("moving").path("unique").asDouble()).isEqualTo(1);
      assertThat(report.path("moving").path("tokensOfOthersChanged").asInt()).isZero();
    }
  }

  /** A model as small as its tables, so that it takes seconds. */
  private static final String[] SMALL = {
    "--dim",
    "12",
    "--set",
    "encoder.hidden=16",
    "--set",
    "quantizer.dim=8",
    "--set",
    "quantizer.codebook-size=8",
    "--set",
    "id.dim=4",
    "--set",
    "recommender.negatives=32",
    "--set",
    "learn.step-positions=64",
    "--set",
    "bootstrap.max-steps=6",
    "--set",
    "quantizer.steps=4",
    "--keep-environment"
  };

  @Test
  void learnMeasuresRoundsOfEachSizeAndARestart() throws IOException {
    JsonNode report =
        learn(
            "--items",
            "300,600",
            "--users",
            "400,800",
            "--rounds",
            "4",
            "--heap-every",
            "1",
            "--set",
            "learn.round-steps=4",
            "--set",
            "quantizer.round-every=2",
            "--set",
            "learn.round-interactions=100",
            "--set",
            "learn.duty-cycle=1");
    assertThat(report.path("contentDim").asInt()).isEqualTo(12);
    assertThat(report.path("ratioOfMedianRounds").asDouble()).isPositive();
    assertThat(report.path("sizes")).hasSize(2);
    for (JsonNode size : report.path("sizes")) {
      assertThat(size.path("rounds").asInt()).isEqualTo(4);
      for (String figure :
          List.of(
              "medianRoundMs",
              "medianRecommenderRoundMs",
              "medianQuantizerRoundMs",
              "medianUntilRevisionMs",
              "rocksdbMB",
              "checkpointMB",
              "restoreMs")) {
        assertThat(size.path(figure).asDouble()).as(figure).isPositive();
      }
      assertThat(size.path("heapMBAfterCollection")).hasSize(5);
      assertThat(size.path("restartUntilComputeMs").asDouble())
          .isGreaterThan(size.path("restoreMs").asDouble());
    }
    assertThat(report.path("sizes").path(1).path("users").asInt()).isEqualTo(800);
  }

  @Test
  void learnLeavesNothingOfStrangers() throws IOException {
    JsonNode left =
        learn(
                "--unknown",
                "--strangers",
                "300",
                "--new-users",
                "700",
                "--items",
                "300,600",
                "--users",
                "400,800")
            .path("unknown");
    assertThat(left.path("waitingAtMost").asInt()).isEqualTo(300);
    assertThat(left.path("usersAtMost").asInt()).isEqualTo(700);
    assertThat(left.path("waitingDropped").asInt()).isEqualTo(300);
    for (String what : List.of("waitingLeft", "usersLeft", "entriesLeft")) {
      assertThat(left.path(what).isMissingNode()).as(what).isFalse();
      assertThat(left.path(what).asLong()).as(what).isZero();
    }
  }

  @Test
  void learnComparesNumbersOfShards() throws IOException {
    JsonNode shards =
        learn(
                "--shards",
                "1,2",
                "--items",
                "300",
                "--users",
                "400",
                "--rounds",
                "1",
                "--warm-up",
                "0",
                "--set",
                "learn.round-steps=4",
                "--set",
                "learn.round-interactions=100")
            .path("shards");
    assertThat(shards.findValuesAsText("shards")).containsExactly("1", "2");
    for (JsonNode of : shards) {
      assertThat(of.path("rounds").asInt()).isEqualTo(1);
      assertThat(of.path("medianProcessorMsARoundAndShard").asDouble()).isPositive();
    }
    assertThat(shards.at("/0/timesTheFirst").asDouble()).isEqualTo(1);
    assertUsage("--shards [0]", "bench", "learn", "--shards", "0");
    assertUsage("one of them", "bench", "learn", "--shards", "1", "--unknown");
  }

  private static JsonNode learn(String... options) throws IOException {
    List<Object> words = new ArrayList<>(List.of("bench", "learn"));
    words.addAll(List.of(SMALL));
    words.addAll(List.of(options));
    CommandRun run = LabRun.of(words.toArray());
    assertThat(run.code()).as(run.err()).isZero();
    return new ObjectMapper().readTree(run.out());
  }

  @Test
  void agreesWithPyTorchWhereItIs() throws IOException {
    JsonNode encode = bench("encode", "--batches", "8", "--seconds", "0.01");
    assumeTrue(
        !encode.path("skipped").has("pytorch"),
        "python3-torch is not installed: " + encode.path("skipped"));
    assertThat(encode.path("batches").path(0).path("pytorch").asDouble()).isPositive();
    assertThat(encode.path("sameCodes").path("pytorch").asDouble()).isGreaterThan(0.99);
    assertThat(encode.path("peer").path("kernel").asText()).isIn("detected", "SkylakeX", "Haswell");
    for (String loss : List.of("bce", "softmax")) {
      JsonNode train =
          bench("train", "--users", "8", "--items", "300", "--steps", "1", "--loss", loss);
      assertThat(train.path("pytorchPadded").asDouble()).as(loss).isPositive();
      assertThat(train.path("pytorchDistinct").asDouble()).as(loss).isPositive();
      assertThat(train.path("speedupDistinct").asDouble()).as(loss).isPositive();
    }
  }

  /** OpenBLAS takes a processor newer than itself for an old one. */
  @Test
  void pytorchIsMeasuredWithTheFastestOfItsKernels(@TempDir Path folder) throws IOException {
    assertThat(kernel(folder, "SkylakeX) g=150 ;; Haswell) g=80 ;; *) g=30")).isEqualTo("SkylakeX");
    // What the processor has no instructions for ends.
    assertThat(kernel(folder, "SkylakeX) exit 132 ;; Haswell) g=80 ;; *) g=30"))
        .isEqualTo("Haswell");
    assertThat(kernel(folder, "SkylakeX) g=154 ;; *) g=150")).isEqualTo("detected");
  }

  private static String kernel(Path folder, String cases) throws IOException {
    Path script =
        Files.writeString(
            folder.resolve("peer.sh"),
            "case \"${OPENBLAS_CORETYPE:-}\" in "
                + cases
                + " ;; esac\necho \"{\\\"torch\\\": \\\"1\\\", \\\"sgemmGflops\\\": $g}\"\nread request\n");
    PyTorchPeer.Found found = PyTorchPeer.find("sh", script);
    found.peer().close();
    return found.about().path("kernel").asText();
  }

  @Test
  void namesWhatIsWrong() {
    assertUsage("--repeats 0", "bench", "train", "--repeats", "0");
    assertUsage("--batches [1, 0]", "bench", "encode", "--batches", "1,0");
    assertUsage(
        "--batches [1, 5000000]: each must be 1 or more, at most 65,536",
        "bench",
        "encode",
        "--batches",
        "1,5000000");
    for (String what : List.of("encode", "train", "resolve", "learn", "job")) {
      assertUsage("--json nodir/x: there is no folder", "bench", what, "--json", "nodir/x");
    }
    assertUsage("--items 10, ", "bench", "resolve", "--items", "10");
    assertUsage(
        "--items [300, 600], --users [400]",
        "bench",
        "learn",
        "--items",
        "300,600",
        "--users",
        "400");
    assertUsage("--rounds 0", "bench", "learn", "--rounds", "0");
    assertUsage("name what to measure", "bench");
  }

  private static void assertUsage(String message, Object... args) {
    CommandRun run = LabRun.of(args);
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }

  private static JsonNode bench(String what, String... options) throws IOException {
    List<Object> words = new ArrayList<>(List.of("bench", what, "--keep-environment"));
    words.addAll(List.of("--repeats", 1, "--peer", PEER));
    words.addAll(List.of(options));
    CommandRun run = LabRun.of(words.toArray());
    assertThat(run.code()).as(run.err()).isZero();
    return new ObjectMapper().readTree(run.out());
  }
}
