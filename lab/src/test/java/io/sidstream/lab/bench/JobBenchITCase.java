package io.sidstream.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.CommandRun;
import io.sidstream.job.SidstreamJob;
import io.sidstream.lab.LabRun;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bench job} with the job itself, on an embedded broker and cluster. */
class JobBenchITCase {
  @Test
  void measuresTheJobBesideThePassThrough(@TempDir Path folder) throws IOException {
    Path json = folder.resolve("report.json");
    CommandRun run =
        LabRun.of(
            SidstreamJob::build,
            "bench",
            "job",
            "--json",
            json,
            "--repeats",
            1,
            "--warm-blocks",
            0,
            "--there",
            7_000,
            "--block",
            "2000,5000",
            "--trickle",
            3,
            "--scan",
            3,
            "--set",
            "quantizer.steps=5",
            "--set",
            "content.dim=12",
            "--set",
            "encoder.hidden=16",
            "--set",
            "quantizer.dim=8",
            "--set",
            "quantizer.codebook-size=64",
            "--set",
            "id.dim=4",
            "--set",
            "recommender.negatives=32",
            "--set",
            "parallelism=1");
    assertThat(run.code()).as(run.err()).isZero();
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    assertThat(report.path("blockItems").asInt()).isEqualTo(2_000);
    for (String figure :
        new String[] {"itemsPerSecond", "interactionsPerSecond", "bothPerSecond"}) {
      assertThat(report.path(figure).path("job").asDouble()).as(figure).isPositive();
      assertThat(report.path(figure).path("passThrough").asDouble()).as(figure).isPositive();
    }
    JsonNode items = report.path("cpuMicrosPerItemByThread").path("job");
    assertThat(items.properties()).anyMatch(e -> e.getKey().startsWith("Embed"));
    double parts = 0;
    for (JsonNode part : items) {
      parts += part.asDouble();
    }
    assertThat(parts).isPositive();
    assertThat(report.path("cpuMicrosPerInteractionByThread").path("job").properties())
        .anyMatch(e -> e.getKey().startsWith("Learn"));
    assertThat(report.path("trickle").path("job").path("checkpoints").asInt()).isPositive();
    assertThat(report.path("trickle").path("job").path("meanCheckpointBytes").asLong())
        .isPositive();
    JsonNode scan = report.path("scan");
    // What was there, the blocks of the turn, what trickled in, and what came around the scan.
    assertThat(scan.path("items").asInt()).isGreaterThan(11_000);
    assertThat(scan.path("itemsPerSecond").asDouble()).isPositive();
    assertThat(scan.path("claims").asInt(-1)).isNotNegative();
    for (String when : new String[] {"before", "meanwhile"}) {
      JsonNode figures = scan.path(when);
      assertThat(figures.path("latencyMs").path("p99").asLong()).as(when).isPositive();
      assertThat(figures.path("checkpointMs").path("count").asLong()).as(when).isPositive();
      assertThat(figures.path("failedCheckpoints").asLong(-1)).as(when).isZero();
    }
  }
}
