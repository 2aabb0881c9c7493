package io.sidstream.tests.faults;

import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import io.sidstream.tests.TinyJob;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The job on a cluster whose processes are killed: nothing is lost, nothing is there twice, and it
 * goes on. By itself it runs six kills; other {@linkplain Scenario scenarios} and longer ones by
 * {@code -Dfaults.scenario=KILLS -Dfaults.count=200 -Dfaults.minutes=120 -Dfaults.seed=7}. The
 * figures are printed as JSON.
 */
class FaultsE2ECase {
  private static final Scenario SCENARIO =
      Scenario.valueOf(System.getProperty("faults.scenario", "KILLS"));
  private static final Stage.Length LENGTH =
      new Stage.Length(
          Integer.getInteger("faults.count", 6),
          Long.getLong("faults.minutes", 24 * 60),
          Long.getLong("faults.every", 120));
  private static final long SEED = Long.getLong("faults.seed", 1);

  @TempDir Path folder;

  @Test
  void nothingIsLostOrDoubled() throws Exception {
    Setup setup = SCENARIO.setup();
    try (FaultCluster cluster = new FaultCluster(folder, 2, Scenario.HEARTBEAT, setup);
        SmallDisk disk = setup.smallDisk() ? SmallDisk.at(cluster.checkpoints()) : null) {
      assumeThat(disk != null || !setup.smallDisk()).as("a disk can be mounted").isTrue();
      try {
        cluster.start();
        List<String> settings =
            TinyJob.settings(cluster.bootstrap(), "faults", setup.job().toArray(String[]::new));
        JobConfig config = JobConfig.load(null, settings);
        Topics.create(config);
        TopicSettings.apply(config, setup.topics());
        try (Flow flow = new Flow(config, SEED, setup.load());
            Oracle oracle = new Oracle(config, flow, setup.deadLetters())) {
          flow.start();
          cluster.submit(settings, null);
          oracle.awaitFirstVersion();
          Faults faults = new Faults(cluster, flow, oracle);
          SCENARIO.run(new Stage(cluster, settings, flow, faults, new Random(SEED), LENGTH));
          ObjectNode figures = faults.settle();
          figures.put("scenario", SCENARIO.name()).put("seed", SEED);
          System.out.println(figures.toPrettyString());
        }
      } catch (Throwable e) {
        System.err.println("scenario " + SCENARIO + ", seed " + SEED + cluster.logs());
        throw e;
      }
    }
  }
}
