package io.sidstream.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import io.sidstream.tests.TinyJob;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The job on a cluster whose processes are killed. By itself it runs a short series; a long one by
 * {@code -Dfaults.kills=200 -Dfaults.seed=7 -Dfaults.minutes=120}. Its figures are printed as JSON.
 */
class FaultsE2ECase {
  private static final long SEED = Long.getLong("faults.seed", 1);
  private static final int KILLS = Integer.getInteger("faults.kills", 6);
  private static final long MINUTES = Long.getLong("faults.minutes", 600);

  @TempDir Path folder;

  @Test
  void nothingIsLostOrDoubledByKills() throws Exception {
    try (FaultCluster cluster = new FaultCluster(folder, 2, Duration.ofSeconds(10))) {
      try {
        cluster.start();
        List<String> settings = TinyJob.settings(cluster.bootstrap(), "faults", SETTINGS);
        JobConfig config = JobConfig.load(null, settings);
        Topics.create(config);
        try (Flow flow = new Flow(config, SEED);
            Oracle oracle = new Oracle(config, flow)) {
          flow.start();
          cluster.submit(settings);
          oracle.awaitFirstVersion();
          ObjectNode figures = new RandomKills(cluster, flow, oracle, SEED).run(KILLS, MINUTES);
          figures.put("seed", SEED);
          System.out.println(figures.toPrettyString());
          assertThat(figures.at("/recovery/kills").asInt()).isPositive();
        }
      } catch (Throwable e) {
        System.err.println("seed " + SEED + cluster.logs());
        throw e;
      }
    }
  }

  private static final String[] SETTINGS = {
    // A version every few seconds, in which a part of the tokens moves.
    "learn.round-interval=2 s", "quantizer.churn-budget=0.2", "topics.partitions=2"
  };
}
