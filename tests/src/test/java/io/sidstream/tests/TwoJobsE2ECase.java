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
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A second job on the same topics: one that has no business there is refused and does the first no
 * harm; one that goes on from the first's state takes the topics over, and the first stops. Each in
 * a process of its own: Kafka's sinks of one process and name share what they know of transactions.
 */
class TwoJobsE2ECase {
  private static final Duration LONG = Duration.ofSeconds(90);

  @TempDir Path folder;
  private int outputs;

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
        refused(List.of(), "two.versions already holds token version");
        refused(List.of("kafka.group=other"), "of kafka.group two, and this job");
        int before = log.committed();
        log.await("the first goes on", LONG, () -> more(traffic, log, before));
        assertThat(first.failure()).isEmpty();

        // As a new build would go on, with the first still there; under a name of its own.
        log.await("nothing under way", LONG, () -> traffic.settled(log));
        TransactionsITCase.savepoint(first, Files.createDirectories(green.resolve("checkpoints")));
        try (Command second = job("two", green, List.of("kafka.group=two-green"))) {
          takenOver(first, second, "two", traffic, log);
          assertThat(second.output()).contains("goes on from");

          // A reader has been there through all of it.
          table.await(log.committed(), LONG);
          Awaitility.await("all is read").atMost(LONG).until(() -> table.lag() == 0);
          assertThat(registry.scrape())
              .contains("\nsidstream_table_reading 1.0\n")
              .contains("\nsidstream_table_version " + (double) log.committed() + "\n")
              .contains("\nsidstream_table_versions_behind 0.0\n")
              .contains("\nsidstream_table_items " + (double) log.served().size() + "\n")
              .contains("\nsidstream_table_verify_failures_total 0.0\n");
        }
      }
    }
  }

  /** Transactions of one name end each other, so that who may not write must not open any. */
  @Test
  void twoJobsOfOneNameDoNotEndEachOthersTransactions() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "same");
    Topics.create(config);
    Path old = folder.resolve("old");
    Path green = folder.resolve("same-green");
    try (Inputs in = new Inputs(config);
        TokenLog log = TinyJob.log(config, true)) {
      Traffic traffic = new Traffic(in);
      in.items(0, Traffic.FIRST_ITEMS);
      try (JobRun first =
          JobRun.start(config, folder.resolve("same-blue"), 18_381, SidstreamJob::build)) {
        log.await("a version", LONG, () -> log.committed() >= 1);
        TransactionsITCase.savepoint(first, Files.createDirectories(old.resolve("checkpoints")));
        int before = log.committed();
        log.await("a version more", LONG, () -> more(traffic, log, before));
        log.await("nothing under way", LONG, () -> traffic.settled(log));

        // Refused by what its state says, so once its tasks are there; the first is idle meanwhile.
        try (Command job = job("same", old, List.of())) {
          assertThat(job.await(LONG.toSeconds())).as(job.output()).isNotZero();
          assertThat(job.output()).contains("is older than what readers have");
        }
        int refused = log.committed();
        log.await("the first goes on", LONG, () -> more(traffic, log, refused));
        assertThat(first.failure()).isEmpty();
        assertThat(first.restartedAfter()).as("nobody ended its transactions").isEmpty();

        log.await("nothing under way", LONG, () -> traffic.settled(log));
        TransactionsITCase.savepoint(first, Files.createDirectories(green.resolve("checkpoints")));
        try (Command second = job("same", green, List.of())) {
          takenOver(first, second, "same", traffic, log);
          assertThat(Files.readString(green.resolve("sidstream.log")))
              .as("the second never restarts")
              .contains("to RUNNING")
              .doesNotContain("to RESTARTING");
        }
      }
    }
  }

  /** The first stops and says why, the second goes on, and what readers have is whole. */
  private static void takenOver(
      JobRun first, Command second, String name, Traffic traffic, TokenLog log) throws Exception {
    Awaitility.await("the first stops")
        .atMost(LONG)
        .until(() -> first.failure().isPresent() || !second.running());
    assertThat(second.running()).as(second.output()).isTrue();
    assertThat(first.failure().orElseThrow())
        .rootCause()
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("another job began on the topics " + name + ".*")
        .hasMessageContaining("so that this one stops");
    int taken = log.committed();
    log.await("the second goes on", LONG, () -> more(traffic, log, taken));
    log.await("the end", LONG, () -> traffic.settled(log));
    log.awaitVerified();
    assertThat(log.deadLetters).isEmpty();
    assertThat(second.running()).as(second.output()).isTrue();
  }

  private void refused(List<String> sets, String why) throws Exception {
    try (Command job = job("two", folder.resolve("refused" + outputs), sets)) {
      assertThat(job.await(LONG.toSeconds())).as(job.output()).isNotZero();
      assertThat(job.output()).contains(why);
    }
  }

  /** The same job as a process, with more settings. */
  private Command job(String name, Path state, List<String> sets) throws Exception {
    List<String> arguments =
        new ArrayList<>(List.of("job", "--state", state.toString(), "--ui-port", "18481"));
    for (String set : TinyJob.settings(Broker.bootstrap(), name, sets.toArray(String[]::new))) {
      arguments.addAll(List.of("--set", set));
    }
    return Command.start(folder.resolve("output" + outputs++ + ".txt"), arguments);
  }

  private static boolean more(Traffic traffic, TokenLog log, int before) {
    traffic.keepGoing(log);
    return log.committed() > before;
  }
}
