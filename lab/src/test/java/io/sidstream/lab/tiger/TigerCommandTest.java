package io.sidstream.lab.tiger;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.CommandRun;
import io.sidstream.cli.train.SmallCatalogue;
import io.sidstream.lab.LabRun;
import io.sidstream.lab.SmallTraining;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TigerCommandTest {
  @TempDir Path folder;

  @Test
  void generatesTuplesAndRanksWhatTheBeamFinds() throws IOException {
    SmallTraining training = new SmallTraining(folder);
    Object[] options = {"--quantizer-epochs", 2, "--epochs", 3, "--beam", 20};
    JsonNode report = training.report(true, List.of("tiger"), options);
    assertThat(report.path("sampled").isNull()).isTrue();
    for (String figure :
        List.of("hr1", "hr5", "hr10", "hr20", "ndcg5", "ndcg10", "ndcg20", "mrr")) {
      assertThat(report.path("full").path(figure).asDouble(-1)).as(figure).isBetween(0.0, 1.0);
    }
    assertThat(report.path("full").path("count").asInt()).isEqualTo(SmallCatalogue.USERS);
    assertThat(report.path("epochs").asInt()).isEqualTo(5);
    assertThat(report.path("curve").path(1).path("phase").asText()).isEqualTo("quantizer_alone");
    assertThat(report.path("curve").path(2).path("phase").asText()).isEqualTo("generator");
    assertThat(SmallTraining.shown(report, "variant")).isEqualTo("tiger");
    JsonNode again = training.report(true, List.of("tiger"), options);
    assertThat(again.path("modelDigest")).isEqualTo(report.path("modelDigest"));
    assertThat(again.path("full")).isEqualTo(report.path("full"));
  }

  @Test
  void generatesBetterThanChance() throws IOException {
    JsonNode report =
        new SmallTraining(folder)
            .report(
                true,
                List.of("tiger", "--quantizer-epochs", 4),
                "--epochs",
                3,
                "--batch",
                16,
                "--learning-rate",
                0.003);
    assertThat(report.path("full").path("hr10").asDouble())
        .as("chance is 10 of the 113 items that a user has not had")
        .isGreaterThan(0.3);
  }

  @Test
  void namesWhatIsWrong() throws IOException {
    SmallTraining training = new SmallTraining(folder);
    assertUsage(training.run(true, List.of("tiger"), "--beam", 10), "--beam 10: it must be 20 or");
    assertUsage(training.run(true, List.of("tiger"), "--loss", "bce"), "Unknown options: '--loss'");
    assertUsage(
        training.run(false, List.of("tiger")), "item i0 of --data has neither a text nor a title");
    Path few = Files.createDirectory(folder.resolve("few"));
    Files.copy(folder.resolve("items.jsonl"), few.resolve("items.jsonl"));
    Files.writeString(few.resolve("interactions.tsv"), "u1\ti1\t5\nu1\ti2\t6\nu2\ti3\t7\n");
    assertUsage(
        LabRun.of(
            "tiger", "--data", few, "--vectors", folder.resolve("vectors.npy"), "--codebook", 16),
        "none of the 2 users of --data has three interactions");
  }

  private static void assertUsage(CommandRun run, String message) {
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }
}
