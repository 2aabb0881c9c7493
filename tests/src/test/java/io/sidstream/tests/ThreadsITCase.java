package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.run.JobRun;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A job that ends leaves no thread: a TaskManager outlives many restarts of a job, and each client
 * that stays open has a thread, a connection and buffers.
 */
class ThreadsITCase {
  private static final Duration LONG = Duration.ofSeconds(120);

  /** Of Kafka's clients, and of the job itself. */
  private static final Pattern OURS =
      Pattern.compile("kafka-(admin|producer|consumer|coordinator).*|learn-.*|witness.*|.*state");

  @TempDir Path folder;

  @Test
  void noThreadOutlivesTheJob() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "threads");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true)) {
      in.items(0, 60);
      Set<Thread> before = threads();
      // The second run finds what the first has left behind, in state and topics.
      for (int run = 1; run <= 2; run++) {
        try (JobRun job = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
          int version = run;
          in.interactions(1_000 * run, 1_000 * (run + 1), 60);
          out.await("version " + version, LONG, () -> out.committed() >= version);
          assertThat(job.restartedAfter()).isEmpty();
          assertThat(names(before)).as("threads of the job, while it runs").isNotEmpty();
        }
        Awaitility.await("threads end")
            .atMost(Duration.ofSeconds(20))
            .untilAsserted(() -> assertThat(names(before)).isEmpty());
      }
    }
  }

  private static Set<Thread> threads() {
    return Set.copyOf(Thread.getAllStackTraces().keySet());
  }

  private static Set<String> names(Set<Thread> but) {
    return threads().stream()
        .filter(t -> !but.contains(t))
        .map(Thread::getName)
        .filter(name -> OURS.matcher(name).matches())
        .collect(Collectors.toSet());
  }
}
