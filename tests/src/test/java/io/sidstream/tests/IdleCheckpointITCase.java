package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a checkpoint writes when nothing happens, with a model of the default size. */
class IdleCheckpointITCase {
  private static final Duration LONG = Duration.ofSeconds(120);
  private static final long MOST = 100_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @Test
  void anIdleCheckpointWritesNoModel() throws Exception {
    JobConfig config =
        TinyJob.config(
            Broker.bootstrap(),
            "idle",
            "encoder.hidden=4096,64",
            "quantizer.codebook-size=256",
            "bootstrap.items=256",
            "learn.round-interactions=100000");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, folder, 18_281, SidstreamJob::build)) {
      in.items(0, 300);
      in.interactions(0, 100, 60);
      out.await("the first version", LONG, () -> out.committed() == 1 && out.items().size() == 300);

      URI checkpoints = checkpoints(run.ui());
      JsonNode last = idle(checkpoints);
      System.out.printf(
          "an idle checkpoint writes %d bytes, of %d of state; by task: %s%n",
          last.path("checkpointed_size").asLong(),
          last.path("state_size").asLong(),
          tasks(run, last));
      assertThat(last.path("state_size").asLong())
          .as("the model is in the state")
          .isGreaterThan(1_000_000);
      assertThat(last.path("checkpointed_size").asLong()).isLessThan(MOST);
    }
  }

  /** A checkpoint of the job at rest. */
  private static JsonNode idle(URI checkpoints) throws Exception {
    long first = JSON.readTree(checkpoints.toURL()).path("counts").path("completed").asLong();
    while (true) {
      JsonNode now = JSON.readTree(checkpoints.toURL());
      if (now.path("counts").path("completed").asLong() >= first + 10) {
        return now.path("latest").path("completed");
      }
      Thread.sleep(200);
    }
  }

  private static URI checkpoints(URI ui) throws IOException {
    String job =
        JSON.readTree(ui.resolve("/jobs").toURL()).path("jobs").path(0).path("id").asText();
    return ui.resolve("/jobs/" + job + "/checkpoints");
  }

  private static TreeMap<String, Long> tasks(JobRun run, JsonNode checkpoint) throws Exception {
    String jobs = checkpoints(run.ui()).getPath().replace("/checkpoints", "");
    JsonNode vertices = JSON.readTree(run.ui().resolve(jobs).toURL()).path("vertices");
    JsonNode tasks =
        JSON.readTree(
                run.ui()
                    .resolve(jobs + "/checkpoints/details/" + checkpoint.path("id").asLong())
                    .toURL())
            .path("tasks");
    TreeMap<String, Long> bytes = new TreeMap<>();
    for (JsonNode vertex : vertices) {
      bytes.put(
          vertex.path("name").asText(),
          tasks.path(vertex.path("id").asText()).path("checkpointed_size").asLong());
    }
    return bytes;
  }
}
