package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.flink.FlinkCluster;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a checkpoint writes when nothing happens, with a model of the default size. */
class IdleCheckpointITCase {
  private static final Duration LONG = Duration.ofSeconds(120);
  private static final long MOST = 100_000;

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

      FlinkCluster flink = new FlinkCluster(run.ui());
      String job = "/jobs/" + run.id();
      JsonNode last = idle(flink, job);
      System.out.printf(
          "an idle checkpoint writes %d bytes, of %d of state; by task: %s%n",
          last.path("checkpointed_size").asLong(),
          last.path("state_size").asLong(),
          tasks(flink, job, last));
      assertThat(last.path("state_size").asLong())
          .as("the model is in the state")
          .isGreaterThan(1_000_000);
      assertThat(last.path("checkpointed_size").asLong()).isLessThan(MOST);
    }
  }

  /** A checkpoint of the job at rest. */
  private static JsonNode idle(FlinkCluster flink, String job) throws Exception {
    long first = completed(flink.get(job + "/checkpoints"));
    while (true) {
      JsonNode now = flink.get(job + "/checkpoints");
      if (completed(now) >= first + 10) {
        return now.path("latest").path("completed");
      }
      Thread.sleep(200);
    }
  }

  private static long completed(JsonNode checkpoints) {
    return checkpoints.path("counts").path("completed").asLong();
  }

  private static TreeMap<String, Long> tasks(FlinkCluster flink, String job, JsonNode checkpoint)
      throws Exception {
    JsonNode tasks =
        flink.get(job + "/checkpoints/details/" + checkpoint.path("id").asLong()).path("tasks");
    TreeMap<String, Long> bytes = new TreeMap<>();
    for (JsonNode vertex : flink.get(job).path("vertices")) {
      bytes.put(
          vertex.path("name").asText(),
          tasks.path(vertex.path("id").asText()).path("checkpointed_size").asLong());
    }
    return bytes;
  }
}
