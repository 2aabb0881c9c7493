package io.sidstream.cli.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sidstream.cli.CommandRun;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.learn.LearnSettings;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.file.Npy;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.train.JointConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class TrainCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What may come first of the options; else it is unified. */
  private static final List<String> KINDS = List.of("unified", "id", "semantic", "prequential");

  @TempDir Path folder;

  @BeforeEach
  void data() throws IOException {
    SmallCatalogue.write(folder, 1);
  }

  @Test
  void reportsEveryFigureAndSavesAModelThatEncodeReads() throws IOException {
    Path model = Files.createSymbolicLink(folder.resolve("model.sidm"), Path.of("real.sidm"));
    JsonNode report = train("--codebook", 16, "--epochs", 6, "--save", model);
    assertThat(model).isSymbolicLink();
    for (String protocol : List.of("sampled", "full")) {
      for (String figure :
          List.of("hr1", "hr5", "hr10", "hr20", "ndcg5", "ndcg10", "ndcg20", "mrr")) {
        assertThat(report.path(protocol).path(figure).asDouble(-1)).as(figure).isBetween(0.0, 1.0);
      }
      assertThat(report.path(protocol).path("count").asInt()).isEqualTo(SmallCatalogue.USERS);
    }
    assertThat(report.path("sampled").path("hr10").asDouble())
        .as("better than chance, which is 0.1")
        .isGreaterThan(0.3);
    assertThat(report.path("levels")).hasSize(3);
    assertThat(report.path("levels").path(0).path("utilisation").asDouble()).isGreaterThan(0);
    assertThat(report.path("levels").path(0).path("perplexity").asDouble()).isGreaterThan(1);
    double alone = report.path("aloneInTuple").asDouble();
    assertThat(report.path("distinctTuples").asDouble()).isPositive().isBetween(alone, 1.0);
    assertThat(report.path("largestCollision").asInt()).isPositive();
    assertThat(report.path("reconstructionMse").asDouble()).isPositive();
    assertThat(report.path("itemTableParameters").asLong())
        .isEqualTo(SmallCatalogue.ITEMS * 8 + 3 * 16 * 64);
    assertThat(report.path("epochs").asInt()).isBetween(1, 6);
    assertThat(report.path("msPerStep").asDouble()).isPositive();
    assertThat(report.path("wallSeconds").asDouble()).isPositive();
    assertThat(report.path("peakRssBytes").asLong()).isPositive();
    assertThat(report.path("modelDigest").asText()).hasSize(64);
    long counted = 0;
    for (String part : List.of("head", "middle", "tail")) {
      counted += report.path("parts").path(part).path("sampled").path("count").asLong();
    }
    assertThat(counted).isEqualTo(SmallCatalogue.USERS);

    ModelFile file = ModelFile.fromBytes(Files.readAllBytes(model));
    assertThat(file.provenance().dataDigest()).isEqualTo(report.path("dataDigest").asText());
    assertThat(file.provenance().seed()).isEqualTo(7);
    assertThat(file.provenance().parameters()).containsEntry("codewords", "16");
    CommandRun run =
        CommandRun.of(
            "encode",
            "--model",
            model,
            "--vectors",
            folder.resolve("vectors.npy"),
            "--out",
            folder.resolve("codes.npy"),
            "--embedding",
            folder.resolve("z.npy"));
    assertThat(run.err()).isEmpty();
    TokenizerModel tokenizer = TokenizerModel.fromBytes(file.section(SavedModel.TOKENIZER));
    EncodeResult expected = new EncodeResult();
    try (InputStream in = Files.newInputStream(folder.resolve("vectors.npy"))) {
      tokenizer.encode(Npy.readFloats(in).data(), SmallCatalogue.ITEMS, null, expected);
    }
    try (InputStream in = Files.newInputStream(folder.resolve("codes.npy"))) {
      Npy.Ints codes = Npy.readInts(in);
      assertThat(codes.shape()).containsExactly(SmallCatalogue.ITEMS, 3);
      assertThat(codes.data()).isEqualTo(Arrays.copyOf(expected.codes, 3 * SmallCatalogue.ITEMS));
    }
    try (InputStream in = Files.newInputStream(folder.resolve("z.npy"))) {
      assertThat(Npy.readFloats(in).shape()).containsExactly(SmallCatalogue.ITEMS, 64);
    }
  }

  @Test
  void theSameSeedGivesTheSameModelAndTheSameOpponentsMeetEveryVariant() throws IOException {
    JsonNode one = train("--codebook", 16, "--epochs", 2);
    JsonNode again = train("--codebook", 16, "--epochs", 2);
    assertThat(again.path("modelDigest")).isEqualTo(one.path("modelDigest"));
    assertThat(again.path("sampled")).isEqualTo(one.path("sampled"));
    JsonNode id = train("id", "--id-dim", 16, "--epochs", 2, "--seed", 8);
    assertThat(id.path("modelDigest")).isNotEqualTo(one.path("modelDigest"));
    assertThat(id.path("negativesDigest")).isEqualTo(one.path("negativesDigest"));
    assertThat(id.path("levels")).isEmpty();
    assertThat(id.path("distinctTuples").isNull()).isTrue();

    Path stored = folder.resolve("negatives.npy");
    JsonNode written = train("--codebook", 16, "--epochs", 1, "--negatives", stored);
    JsonNode read = train("--codebook", 16, "--epochs", 1, "--negatives", stored);
    assertThat(written.path("negativesDigest")).isEqualTo(one.path("negativesDigest"));
    assertThat(read.path("sampled")).isEqualTo(written.path("sampled"));
  }

  static List<Arguments> kinds() {
    List<Arguments> kinds = new ArrayList<>();
    for (String loss : List.of("softmax", "bce")) {
      for (String variant : List.of("unified", "semantic")) {
        for (String schedule : List.of("joint", "two-stage", "joint-then-frozen")) {
          kinds.add(Arguments.of(variant, schedule, loss));
        }
      }
      // Without a quantizer there is nothing to freeze.
      kinds.add(Arguments.of("id", "joint", loss));
    }
    return kinds;
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyVariantScheduleAndLossRuns(String variant, String schedule, String loss)
      throws IOException {
    boolean id = variant.equals("id");
    List<Object> options = new ArrayList<>(List.of(variant));
    options.addAll(id ? List.of("--id-dim", 16) : List.of("--codebook", 16));
    if (!schedule.equals("joint")) {
      options.addAll(
          List.of(schedule.equals("two-stage") ? "--quantizer-first" : "--freeze-after", 1));
    }
    JsonNode report = train(options, "--loss", loss, "--epochs", 2);
    assertThat(shown(report, "variant")).isEqualToIgnoringCase(variant);
    assertThat(shown(report, "schedule")).isEqualTo(schedule);
    assertThat(shown(report, "loss")).isEqualToIgnoringCase(loss);
    List<String> phases = new ArrayList<>();
    for (JsonNode point : report.path("curve")) {
      phases.add(point.path("phase").asText());
      boolean alone = point.path("phase").asText().equals("quantizer_alone");
      assertThat(point.path("loss").asDouble() > 0).isNotEqualTo(alone);
      boolean frozen = point.path("phase").asText().equals("recommender");
      assertThat(point.path("reconstruction").asDouble() > 0).isNotEqualTo(id || frozen);
    }
    assertThat(phases)
        .isEqualTo(
            switch (schedule) {
              case "joint" -> List.of("joint", "joint");
              case "two-stage" -> List.of("quantizer_alone", "recommender", "recommender");
              default -> List.of("joint", "recommender");
            });
    assertThat(report.path("epochs").asInt()).isEqualTo(phases.size());
    assertThat(report.path("levels")).hasSize(id ? 0 : 3);
    assertThat(report.path("sampled").path("count").asInt()).isEqualTo(SmallCatalogue.USERS);
    assertThat(report.path("full").path("mrr").asDouble()).isBetween(0.0, 1.0).isPositive();
  }

  @ParameterizedTest
  @CsvSource({
    "--distance, cosine, metrics, '[COSINE, COSINE, COSINE]'",
    "--distance, euclidean, metrics, '[EUCLIDEAN, EUCLIDEAN, EUCLIDEAN]'",
    "--levels, 2, metrics, '[COSINE, EUCLIDEAN]'",
    "--semantic-share, 0.4, semanticShare, 0.4",
    "--id-learning-rate, 0.01, idLearningRate, 0.01",
  })
  void anOptionIsReportedAndChangesTheTraining(
      String option, String value, String parameter, String reported) throws IOException {
    // So often left out, some ID embeddings are still as they start when they are looked at.
    List<Object> options = List.of("--codebook", 16, "--epochs", 2, "--id-dropout", 0.9);
    JsonNode without = train(options);
    JsonNode with = train(options, option, value);
    assertThat(shown(without, parameter)).isNotEqualTo(reported);
    assertThat(shown(with, parameter)).isEqualTo(reported);
    assertThat(curve(with)).isNotEqualTo(curve(without));
    assertThat(with.path("dataDigest")).isEqualTo(without.path("dataDigest"));
  }

  private static String shown(JsonNode report, String parameter) {
    return report.path("parameters").path(parameter).asText();
  }

  @Test
  void stopsWhereValidationNoLongerImproves() throws IOException {
    JsonNode report =
        train("--codebook", 16, "--epochs", 60, "--patience", 1, "--learning-rate", 0.01);
    int epochs = report.path("epochs").asInt();
    assertThat(epochs).isLessThan(60);
    assertThat(report.path("bestEpoch").asInt()).isEqualTo(epochs - 2);
  }

  @Test
  void prequentialPredictsEachEventOnceAsTheJobDoes() throws IOException {
    JsonNode report =
        train(
            "prequential",
            "--codebook",
            16,
            "--bootstrap",
            800,
            "--bootstrap-steps",
            30,
            "--round",
            200,
            "--round-steps",
            5,
            "--quantizer-every",
            2);
    assertThat(report.path("rounds")).hasSize(5);
    assertThat(report.path("rounds").path(2).path("phase").asText()).isEqualTo("quantizer");
    assertThat(report.path("rounds").path(2).path("churn").asDouble(-1)).isBetween(0.0, 1.0);
    for (String who : List.of("model", "popularity")) {
      JsonNode total = report.path("total").path(who);
      // A user's first event cannot be predicted.
      assertThat(total.path("count").asLong()).as(who).isBetween(600L, 800L);
      assertThat(report.path("total").path("newItems").path(who).path("count").asLong())
          .isLessThan(total.path("count").asLong());
    }
    assertThat(report.path("total").path("model").path("hr10").asDouble())
        .isGreaterThan(report.path("total").path("popularity").path("hr10").asDouble());
  }

  /** What is not asked for is as in a job that sets nothing. */
  @Test
  void prequentialTrainsTheModelOfTheJob() throws Exception {
    JsonNode parameters =
        train("prequential", "--codebook", 16, "--bootstrap", 1_500, "--bootstrap-steps", 1)
            .path("parameters");
    Map<String, String> sets =
        Map.of("content.dim", "" + SmallCatalogue.DIM, "quantizer.codebook-size", "16");
    JointConfig job = LearnSettings.plan(JobConfig.of(sets)).model();
    for (var component : JointConfig.class.getRecordComponents()) {
      assertThat(parameters.path(component.getName()).asText())
          .as(component.getName())
          .isEqualTo(String.valueOf(component.getAccessor().invoke(job)));
    }
    Map.of(
            "bootstrapPasses", JobOptions.BOOTSTRAP_PASSES,
            "round", JobOptions.LEARN_ROUND_INTERACTIONS,
            "roundSteps", JobOptions.LEARN_ROUND_STEPS,
            "stepPositions", JobOptions.LEARN_STEP_POSITIONS,
            "shards", JobOptions.LEARN_SHARDS,
            "quantizerEvery", JobOptions.QUANTIZER_ROUND_EVERY,
            "quantizerSteps", JobOptions.QUANTIZER_STEPS,
            "churnBudget", JobOptions.QUANTIZER_CHURN_BUDGET)
        .forEach(
            (name, option) ->
                assertThat(parameters.path(name).asText())
                    .as(name)
                    .isEqualTo(String.valueOf(option.defaultValue())));
  }

  /** "No limit" as people write it. */
  @Test
  void numbersMayBeAsLargeAsTheyGet() throws IOException {
    int most = Integer.MAX_VALUE;
    JsonNode twoStage =
        train(List.of("--codebook", 16, "--epochs", most, "--patience", 1), "--quantizer-first", 1);
    assertThat(twoStage.path("epochs").asInt()).isGreaterThan(1);
    JsonNode rounds =
        train(
            List.of("prequential", "--codebook", 16, "--round", most),
            "--bootstrap",
            800,
            "--bootstrap-steps",
            2,
            "--round-steps",
            1);
    assertThat(rounds.path("rounds")).hasSize(2);
  }

  /** The figures are printed, and the model is written all the same. */
  @Test
  void aFullDiskLosesNoFigures() throws IOException {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "/dev/full");
    Path model = folder.resolve("kept.sidm");
    CommandRun run =
        CommandRun.of(
            "train",
            "unified",
            "--data",
            folder,
            "--vectors",
            folder.resolve("vectors.npy"),
            "--codebook",
            16,
            "--epochs",
            1,
            "--json",
            full,
            "--save",
            model);
    assertThat(run.code()).isNotZero();
    assertThat(run.err()).contains("/dev/full cannot be written");
    assertThat(run.out()).contains("\"modelDigest\" : ");
    assertThat(ModelFile.fromBytes(Files.readAllBytes(model)).names())
        .contains(SavedModel.TOKENIZER);
  }

  @Test
  void theReportTellsVectorsApart() throws IOException {
    JsonNode one = train("--codebook", 16, "--epochs", 1);
    assertThat(one.path("vectorsDigest").asText()).hasSize(64);
    assertThat(one.path("parameters").path("vectorsDigest")).isEqualTo(one.path("vectorsDigest"));
    Path other = folder.resolve("other.npy");
    try (OutputStream out = Files.newOutputStream(other)) {
      int n = SmallCatalogue.ITEMS * SmallCatalogue.DIM;
      float[] ones = new float[n];
      Arrays.fill(ones, 1f);
      ones[n - 1] = 2f;
      Npy.write(out, ones, SmallCatalogue.ITEMS, SmallCatalogue.DIM);
    }
    JsonNode two = train("--codebook", 16, "--epochs", 1, "--vectors", other);
    assertThat(two.path("dataDigest")).isEqualTo(one.path("dataDigest"));
    assertThat(two.path("vectorsDigest")).isNotEqualTo(one.path("vectorsDigest"));
  }

  /** Most events of a user lie further back than its window reaches at the end of the round. */
  @Test
  void prequentialPredictsAllEventsOfAUserWithMoreThanAWindow() throws IOException {
    StringBuilder events = new StringBuilder();
    for (int e = 0; e < 400; e++) {
      int item = (7 * e + e / 40) % SmallCatalogue.ITEMS;
      events.append(String.format("u%d\ti%d\t%d%n", e % 2, item, 1_700_000_000L + 60L * e));
    }
    Path busy = Files.createDirectory(folder.resolve("busy"));
    Files.copy(folder.resolve("items.jsonl"), busy.resolve("items.jsonl"));
    Files.writeString(busy.resolve("interactions.tsv"), events);
    JsonNode report =
        train(
            List.of("prequential", "--data", busy, "--codebook", 16),
            "--bootstrap",
            50,
            "--bootstrap-steps",
            2,
            "--round",
            300,
            "--round-steps",
            1);
    assertThat(report.path("total").path("model").path("count").asInt()).isEqualTo(350);
  }

  @Test
  void goesOnFromACheckpoint() throws IOException {
    for (List<Object> kind :
        List.<List<Object>>of(
            List.of("--codebook", 16),
            List.of("--codebook", 16, "--semantic-share", 0.3),
            List.of("--codebook", 16, "--quantizer-first", 2),
            List.of("id", "--id-dim", 16))) {
      Path file = folder.resolve("checkpoint.sidm");
      JsonNode whole = train(kind, "--epochs", 4);
      train(kind, "--epochs", 2, "--checkpoint", file);
      JsonNode resumed =
          train(kind, "--epochs", 4, "--resume", file, "--patience", 50, "--checkpoint", file);
      assertThat(curve(resumed)).isEqualTo(curve(whole));
      for (String figure :
          List.of("modelDigest", "bestEpoch", "epochs", "steps", "sampled", "full", "parts")) {
        assertThat(resumed.path(figure)).as(figure).isEqualTo(whole.path(figure));
      }
    }
  }

  /** But for the times. */
  private static JsonNode curve(JsonNode report) {
    report.path("curve").forEach(point -> ((ObjectNode) point).remove("msPerStep"));
    return report.path("curve");
  }

  @Test
  void goesOnWithWhatItWasBegunWithOnly() throws IOException {
    Path file = folder.resolve("checkpoint.sidm");
    train("--codebook", 16, "--epochs", 2, "--checkpoint", file);
    train("--codebook", 16, "--epochs", 3, "--threads", 2, "--patience", 50, "--resume", file);
    assertOther(file, "codewords is 8, in the checkpoint 16", "--codebook", 8);
    assertOther(file, "seed is 8, in the checkpoint 7", "--codebook", 16, "--seed", 8);
    assertOther(file, "dropout is 0.1, in the checkpoint 0.5", "--codebook", 16, "--dropout", 0.1);
    assertOther(file, "schedule is two-stage, in", "--codebook", 16, "--quantizer-first", 2);
    assertOther(file, "variant is SEMANTIC, in", "semantic", "--codebook", 16);
    assertOther(file, "--epochs 1: the checkpoint is that of 2", "--codebook", 16, "--epochs", 1);
    Path negatives = folder.resolve("negatives.npy");
    train("--codebook", 16, "--epochs", 1, "--negatives", negatives);
    // The first two of the first user in the other order: as good, but others.
    byte[] drawn = Files.readAllBytes(negatives);
    int data = drawn.length - 4 * 2 * SmallCatalogue.USERS * 99;
    for (int i = data; i < data + 4; i++) {
      byte swap = drawn[i];
      drawn[i] = drawn[i + 4];
      drawn[i + 4] = swap;
    }
    Files.write(negatives, drawn);
    assertOther(file, "negativesDigest is ", "--codebook", 16, "--negatives", negatives);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    assertOther(file, "is truncated or corrupt", "--codebook", 16);
    Files.write(file, bytes);
    Path vectors = folder.resolve("vectors.npy");
    byte[] stored = Files.readAllBytes(vectors);
    stored[stored.length - SmallCatalogue.DIM * 4] ^= 1;
    Files.write(vectors, stored);
    assertOther(file, "--vectors: item i119 has another vector", "--codebook", 16);
    Path events = folder.resolve("interactions.tsv");
    Files.writeString(events, Files.readString(events).replaceFirst("17", "16"));
    assertOther(file, "dataDigest is ", "--codebook", 16);
  }

  private void assertOther(Path file, String message, Object... options) {
    List<Object> words = new ArrayList<>(List.of(options));
    words.addAll(List.of("--resume", file));
    assertUsage(message, words.toArray());
  }

  private void assertUsage(String message, Object... options) {
    CommandRun run = CommandRun.of(command(options));
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }

  private JsonNode train(List<Object> kind, Object... options) throws IOException {
    List<Object> words = new ArrayList<>(kind);
    words.addAll(List.of(options));
    return train(words.toArray());
  }

  private JsonNode train(Object... options) throws IOException {
    Path json = folder.resolve("report.json");
    List<Object> words = new ArrayList<>(List.of(options));
    words.addAll(List.of("--json", json));
    CommandRun run = CommandRun.of(command(words.toArray()));
    assertThat(run.err()).doesNotContain("Exception");
    assertThat(run.code()).as(run.err()).isZero();
    return JSON.readTree(json.toFile());
  }

  private Object[] command(Object... options) {
    List<Object> asked = new ArrayList<>(List.of(options));
    Object kind = KINDS.contains(asked.get(0)) ? asked.remove(0) : "unified";
    List<Object> words = new ArrayList<>(List.of("train", kind));
    if (!asked.contains("--vectors") && !kind.equals("id")) {
      words.addAll(List.of("--vectors", folder.resolve("vectors.npy")));
    }
    if (!asked.contains("--data")) {
      words.addAll(List.of("--data", folder));
    }
    if (!asked.contains("--batch") && !kind.equals("prequential")) {
      words.addAll(List.of("--batch", 64));
    }
    if (!asked.contains("--seed")) {
      words.addAll(List.of("--seed", 7));
    }
    words.addAll(asked);
    return words.toArray();
  }
}
