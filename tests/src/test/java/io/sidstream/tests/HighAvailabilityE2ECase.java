package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The job in application mode, as on the official image, with high availability by ZooKeeper and
 * two JobManagers: the one that leads is killed ({@code kill -9}) in mid-stream, twice. The other
 * takes over by itself, and nothing is lost.
 */
class HighAvailabilityE2ECase {
  private static final Duration LONG = Duration.ofSeconds(180);

  @TempDir Path folder;

  @Test
  void theOtherJobManagerTakesOverWithNothingLost() throws Exception {
    List<String> settings =
        TinyJob.settings(
            Broker.bootstrap(), "ha", "checkpoint.dir=" + folder.resolve("checkpoints").toUri());
    JobConfig config = JobConfig.load(null, settings);
    Topics.create(config);
    int zooKeeper = StandaloneCluster.freePort();
    Path flink = Files.createDirectories(folder.resolve("flink"));
    // Where the program and its libraries are looked for, beside lib of a distribution.
    Path jar = Files.createDirectories(flink.resolve("usrlib")).resolve("sidstream-job.jar");
    Files.createSymbolicLink(jar, JobJar.path());
    try (StandaloneCluster cluster =
            new StandaloneCluster(
                flink,
                2,
                Map.of(
                    "high-availability.type",
                    "zookeeper",
                    "high-availability.zookeeper.quorum",
                    "127.0.0.1:" + zooKeeper,
                    "high-availability.zookeeper.client.session-timeout",
                    "5 s",
                    "high-availability.storageDir",
                    folder.resolve("ha").toUri().toString()));
        Inputs in = new Inputs(config);
        TokenLog committed = TinyJob.log(config, true)) {
      try {
        cluster.startZooKeeper(zooKeeper);
        Process leader = jobManager(cluster, settings);
        cluster.startTaskManager();
        Traffic traffic = new Traffic(in);
        in.items(0, Traffic.FIRST_ITEMS);
        versions("the first versions", committed, traffic, 2);
        for (int kill = 1; kill <= 2; kill++) {
          Process standby = jobManager(cluster, settings);
          int started = kill + 1;
          Awaitility.await("a standby")
              .atMost(LONG)
              .until(() -> count(cluster, "Rest endpoint listening at ") == started);
          versions("a version with a standby there", committed, traffic, 1);
          leader.destroyForcibly().waitFor();
          versions("versions after kill " + kill, committed, traffic, 2);
          assertThat(standby.isAlive()).isTrue();
          leader = standby;
        }
        committed.await("the end", LONG, () -> traffic.settled(committed));
        committed.awaitVerified();
        assertThat(committed.interactions()).isEqualTo(traffic.interactions());
        assertThat(committed.items()).isEqualTo(traffic.items());
        assertThat(committed.deadLetters).isEmpty();
        // Not begun anew: each leader after the first found the checkpoints of the one before.
        assertThat(count(cluster, " from Checkpoint ")).isGreaterThanOrEqualTo(2);
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  /** How often the JobManagers have logged something. */
  private static int count(StandaloneCluster cluster, String what) throws IOException {
    return cluster.log("jobmanager").split(Pattern.quote(what), -1).length - 1;
  }

  private static void versions(String what, TokenLog committed, Traffic traffic, int more) {
    int before = committed.committed();
    committed.await(
        what,
        LONG,
        () -> {
          traffic.keepGoing(committed);
          return committed.committed() >= before + more;
        });
  }

  /** A JobManager that runs the job's program once it leads. */
  private static Process jobManager(StandaloneCluster cluster, List<String> settings)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint",
                "--configDir",
                cluster.conf().toString(),
                "-D",
                "rest.port=" + StandaloneCluster.freePort(),
                "--job-classname",
                "io.sidstream.job.SidstreamJob"));
    settings.forEach(set -> command.addAll(List.of("--set", set)));
    return cluster.startProgram("jobmanager", command);
  }
}
