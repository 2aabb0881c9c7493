package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sidstream.cli.run.JobRun;
import io.sidstream.client.TokenTable;
import io.sidstream.client.micrometer.TokenTableMetrics;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A second job on the same topics: one that has no business there is refused and does the first no
 * harm; one that goes on from the first's state takes the topics over, and the first stops.
 */
class TwoJobsITCase {
  private static final Duration LONG = Duration.ofSeconds(90);

  @TempDir Path folder;

  @Test
  void oneOfTwoJobsGivesTokens() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "two");
    Topics.create(config);
    Path blue = folder.resolve("blue");
    Path green = folder.resolve("green");
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    try (Inputs in = new Inputs(config);
        TokenTable table = TokenTable.builder(Broker.bootstrap()).prefix("two.").open();
        TokenLog log = TinyJob.log(config, true)) {
      new TokenTableMetrics(table).bindTo(registry);
      Traffic traffic = new Traffic(in);
      in.items(0, Traffic.FIRST_ITEMS);
      try (JobRun first = JobRun.start(config, blue, 18_381, SidstreamJob::build)) {
        log.await("a version", LONG, () -> log.committed() >= 1);

        // By mistake: without state, under the same name or another.
        refused(config, folder.resolve("mistake"), "two.versions already holds token version");
        JobConfig other = TinyJob.config(Broker.bootstrap(), "two", "kafka.group=other");
        refused(other, folder.resolve("other"), "of kafka.group two, and this job");
        int before = log.committed();
        log.await("the first goes on", LONG, () -> more(traffic, log, before));
        assertThat(first.failure()).isEmpty();

        // As a new build would go on, with the first still there.
        log.await("nothing under way", LONG, () -> traffic.settled(log));
        TransactionsITCase.savepoint(first, Files.createDirectories(green));
        try (JobRun second = JobRun.start(config, green, 18_481, SidstreamJob::build)) {
          assertThat(second.restoredFrom()).isPresent();
          Awaitility.await("the first stops").atMost(LONG).until(() -> first.failure().isPresent());
          assertThat(first.failure().orElseThrow())
              .rootCause()
              .isInstanceOf(ConfigException.class)
              .hasMessageContaining("another job began on the topics two.*")
              .hasMessageContaining("so that this one stops");
          int taken = log.committed();
          log.await("the second goes on", LONG, () -> more(traffic, log, taken));
          log.await("the end", LONG, () -> traffic.settled(log));
          log.awaitVerified();
          assertThat(log.deadLetters).isEmpty();
          assertThat(second.failure()).isEmpty();

          // A reader has been there through all of it.
          table.await(log.committed(), LONG);
          Awaitility.await("all is read").atMost(LONG).until(() -> table.lag() == 0);
          assertThat(registry.scrape())
              .contains("\nsidstream_table_reading 1.0\n")
              .contains("\nsidstream_table_version " + (double) log.committed() + "\n")
              .contains("\nsidstream_table_versions_behind 0.0\n")
              .contains("\nsidstream_table_items " + (double) traffic.items().size() + "\n")
              .contains("\nsidstream_table_verify_failures_total 0.0\n");
        }
      }
    }
  }

  private static void refused(JobConfig config, Path state, String why) throws Exception {
    try (JobRun run = JobRun.start(config, state, 18_581, SidstreamJob::build)) {
      Awaitility.await().atMost(LONG).until(() -> run.failure().isPresent());
      assertThat(run.failure().orElseThrow()).rootCause().hasMessageContaining(why);
    }
  }

  private static boolean more(Traffic traffic, TokenLog log, int before) {
    traffic.keepGoing(log);
    return log.committed() > before;
  }
}
