package io.sidstream.lab.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.CommandRun;
import io.sidstream.lab.LabRun;
import io.sidstream.lab.SmallTraining;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExperimentsTest {
  @TempDir Path folder;
  private SmallTraining training;

  @BeforeEach
  void data() throws IOException {
    training = new SmallTraining(folder);
  }

  @ParameterizedTest
  @CsvSource({
    "--straight-through, per_level, straightThrough, PER_LEVEL",
    "--codebook-decay, 0.5, codebookDecay, 0.5",
    "--reconstruction-weight, 4, reconstructionWeight, 4.0",
    "--commitment-weight, 4, commitmentWeight, 4.0",
    "--id-start, prefix_mean, idStart, PREFIX_MEAN",
    "--negatives-shared, 32, sharedNegatives, 32",
    "--log-q, 0.5, logQ, 0.5",
    "--temperature, 2, temperature, 2.0",
    "--learning-rate-decay, 0.5, learningRateDecay, 0.5",
  })
  void aKnobIsReportedAndChangesTheTraining(
      String option, String value, String parameter, String reported) throws IOException {
    // So often left out, some ID embeddings are still as they start when they are looked at.
    List<Object> command = List.of("train", "unified", "--epochs", 2, "--id-dropout", 0.9);
    JsonNode without = training.report(true, command);
    JsonNode with = training.report(true, command, option, value);
    assertThat(SmallTraining.shown(without, parameter)).isNotEqualTo(reported);
    assertThat(SmallTraining.shown(with, parameter)).isEqualTo(reported);
    assertThat(SmallTraining.curve(with)).isNotEqualTo(SmallTraining.curve(without));
  }

  @Test
  void theSecondRecommenderHasKnobs() throws IOException {
    List<Object> command = List.of("train", "unified", "--epochs", 1, "--semantic-share", 0.5);
    JsonNode without = training.report(true, command);
    JsonNode with =
        training.report(true, command, "--semantic-id-dim", 4, "--semantic-temperature", 4);
    assertThat(with.path("modelDigest")).isNotEqualTo(without.path("modelDigest"));
    assertThat(SmallTraining.shown(with, "semanticIdDim")).isEqualTo("4");
    assertThat(SmallTraining.shown(with, "semanticTemperature")).isEqualTo("4.0");
  }

  /** Without knobs the lab trains what sidstream trains. */
  @ParameterizedTest
  @CsvSource({"unified", "id", "semantic"})
  void withoutKnobsTheModelIsThatOfSidstream(String variant) throws IOException {
    boolean vectors = !variant.equals("id");
    JsonNode here = training.report(vectors, List.of("train", variant), "--epochs", 1);
    Path json = folder.resolve("sidstream.json");
    List<Object> words = new ArrayList<>(List.of("train", variant, "--data", folder));
    if (vectors) {
      words.addAll(List.of("--vectors", folder.resolve("vectors.npy"), "--codebook", 16));
    }
    words.addAll(List.of("--batch", 64, "--seed", 7, "--epochs", 1, "--json", json));
    CommandRun there = CommandRun.of(words.toArray());
    assertThat(there.code()).as(there.err()).isZero();
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    assertThat(report.path("modelDigest")).isEqualTo(here.path("modelDigest"));
  }

  @Test
  void stopsOnTheFigureThatIsAskedFor() throws IOException {
    JsonNode report =
        training.report(true, List.of("train", "unified"), "--epochs", 1, "--stop-on", "full");
    assertThat(SmallTraining.shown(report, "stopOn")).isEqualTo("full");
  }

  @Test
  void ratesFallWithTheEpochsOfTheRecommender() throws IOException {
    for (List<Object> schedule :
        List.of(List.<Object>of(), List.<Object>of("--quantizer-first", 3))) {
      List<Double> falling = losses("0.5", schedule);
      List<Double> level = losses("1", schedule);
      assertThat(falling.get(0)).isEqualTo(level.get(0));
      assertThat(falling.get(1)).isNotEqualTo(level.get(1));
    }
  }

  /** The loss of each of two epochs of the recommender. */
  private List<Double> losses(String decay, List<Object> schedule) throws IOException {
    List<Object> command = new ArrayList<>(List.of("train", "unified", "--epochs", 2));
    command.addAll(schedule);
    JsonNode curve = training.report(true, command, "--learning-rate-decay", decay).path("curve");
    int all = curve.size();
    return List.of(
        curve.path(all - 2).path("loss").asDouble(), curve.path(all - 1).path("loss").asDouble());
  }

  @ParameterizedTest
  @CsvSource({"unified", "semantic"})
  void whatHasCodesIsReplayed(String variant) throws IOException {
    JsonNode report =
        training.report(
            true,
            List.of("prequential", variant),
            "--bootstrap",
            800,
            "--bootstrap-steps",
            4,
            "--round",
            400,
            "--round-steps",
            2,
            "--log-q",
            0.5);
    assertThat(report.path("rounds")).hasSize(3);
    assertThat(SmallTraining.shown(report, "logQ")).isEqualTo("0.5");
    assertThat(SmallTraining.shown(report, "variant")).isEqualToIgnoringCase(variant);
    assertThat(report.path("total").path("model").path("count").asLong()).isPositive();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --temperature 2.0 has no effect with --loss bce and one recommender | train unified --loss bce --temperature 2
          --negatives-shared 9 has no effect with --loss bce                  | train unified --loss bce --negatives-shared 9
          --log-q 0.0 has no effect with --loss bce                           | train semantic --loss bce --log-q 0
          --learning-rate-decay 0.0: it must be above 0, at most 1            | train unified --learning-rate-decay 0
          --semantic-temperature 0.0: it must be above 0                      | train unified --semantic-share 0.3 --semantic-temperature 0
          --semantic-temperature 2.0 has no effect without --semantic-share   | train unified --semantic-temperature 2
          --semantic-id-dim 2 has no effect without --semantic-share          | train unified --semantic-id-dim 2
          --semantic-id-dim 3: it must be even, as two attention heads        | train unified --semantic-share 0.3 --semantic-id-dim 3
          --semantic-id-dim 10: an ID embedding has 8 numbers                 | train unified --semantic-share 0.3 --semantic-id-dim 10
          --semantic-id-dim -2: it must be 0 or more                          | train unified --semantic-share 0.3 --semantic-id-dim=-2
          --negatives-shared 0: it must be 1 or more                          | train unified --negatives-shared 0
          --codebook-decay 1.0: it must be in (0, 1)                          | train unified --codebook-decay 1
          Unknown options: '--id-start'                                       | train semantic --id-start zero
          Unknown options: '--stop-on'                                        | prequential unified --stop-on full
          """)
  void whatIsWrongIsNamed(String message, String command) {
    CommandRun run = training.run(true, List.of(command.split(" ")));
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }

  @Test
  void aGroupOfCommandsNamesThem() {
    Map.of("train", "unified, id or semantic", "prequential", "unified or semantic")
        .forEach(
            (group, variants) -> {
              CommandRun run = LabRun.of(group);
              assertThat(run.err()).contains("name what to train: " + variants);
              assertThat(run.code()).isEqualTo(2);
            });
  }
}
