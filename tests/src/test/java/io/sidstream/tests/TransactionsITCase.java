package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.run.JobRun;
import io.sidstream.cli.tokens.TokenAudit;
import io.sidstream.cli.tokens.TokensCommand;
import io.sidstream.cli.tokens.Verification;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.RepublishRequests;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.WireFormat;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * The job's Kafka transactions: there are few names of them, and one that the broker ends before it
 * is committed is found and made good.
 */
class TransactionsITCase {
  private static final Duration LONG = Duration.ofSeconds(90);

  @TempDir Path folder;

  private Admin admin;

  @BeforeEach
  void connect() throws Exception {
    admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, Broker.bootstrap()));
  }

  @AfterEach
  void disconnect() {
    admin.close();
  }

  private Set<String> names(String prefix, TransactionState... states) throws Exception {
    Set<TransactionState> wanted = Set.of(states);
    return admin.listTransactions().all().get().stream()
        .filter(t -> t.transactionalId().startsWith(prefix))
        .filter(t -> wanted.isEmpty() || wanted.contains(t.state()))
        .map(TransactionListing::transactionalId)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void transactionsAreNamedAnewOnlyWhereSomethingIsUnderWay() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "pooled", "checkpoint.interval=200 ms");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog log = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
      Traffic traffic = new Traffic(in);
      in.items(0, Traffic.FIRST_ITEMS);
      log.await("a version", LONG, () -> log.committed() == 1);
      int early = names("pooled").size();
      long before = log.interactions();
      log.await(
          "many checkpoints",
          LONG,
          () -> {
            traffic.keepGoing(log);
            return log.interactions() >= before + 500;
          });
      Thread.sleep(10_000);
      // Of 5 sinks, two of which have two subtasks: one open, one that is committed, and now and
      // then one more each.
      assertThat(names("pooled").size()).as("names of transactions").isLessThanOrEqualTo(4 * 7);
      assertThat(early).isLessThanOrEqualTo(4 * 7);
      assertThat(run.failure()).isEmpty();
    }
  }

  /**
   * A savepoint closes transactions and does not commit them; the job ends before the next
   * checkpoint would, and the broker ends them, as it does by itself where a job is down for longer
   * than kafka.transaction-timeout.
   */
  @Test
  void transactionsThatTheBrokerEndedAreWrittenAgain() throws Exception {
    String name = "expired";
    // A version a round, and rounds for full hundreds of interactions only.
    String[] fast = {"quantizer.round-every=1", "learn.round-interval=1 h"};
    String[] slow = {fast[0], fast[1], "checkpoint.interval=1 min"};
    JobConfig config = TinyJob.config(Broker.bootstrap(), name, fast);
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog log = TinyJob.log(config, true);
        TokenLog all = TinyJob.log(config, false)) {
      in.items(0, 300);
      try (JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
        log.await("a version", LONG, () -> log.committed() == 1);
        log.await("a revision", LONG, () -> log.revision() != null);
        assertThat(run.failure()).isEmpty();
      }
      long revision = log.revision().getRevision();
      JobConfig rarely = TinyJob.config(Broker.bootstrap(), name, slow);
      try (JobRun run = JobRun.start(rarely, folder, 18_381, SidstreamJob::build)) {
        assertThat(run.restoredFrom()).isPresent();
        in.items(300, 320);
        in.delete(Inputs.name(7));
        in.interactions(0, 120, 300);
        in.flush();
        all.await(
            "version 2, uncommitted",
            LONG,
            () ->
                all.committed() == 2
                    && all.token(Inputs.name(319)) != null
                    && all.token(Inputs.name(7)) == null);
        savepoint(run, folder);
        assertThat(run.failure()).isEmpty();
      }
      log.poll();
      assertThat(log.committed()).as("committed before the job ended").isEqualTo(1);
      Set<String> open = names(name + "-", TransactionState.ONGOING);
      open.removeIf(t -> !t.contains(".tokens") && !t.contains(".versions"));
      assertThat(open).anyMatch(t -> t.contains(".tokens")).anyMatch(t -> t.contains(".versions"));
      admin.fenceProducers(open).all().get();

      try (JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
        assertThat(run.restoredFrom().orElseThrow().toString()).contains("savepoint");
        log.await("version 2", LONG, () -> log.committed() == 2 && log.begun() == 2);
        log.await("its revision", LONG, () -> log.revision().getRevision() > revision);
        assertVerified(config);
        log.poll();
        assertThat(log.items()).hasSize(319).contains(Inputs.name(319)).doesNotContain("i0007");
        assertThat(control(config))
            .isNotEmpty()
            .allSatisfy(
                m -> {
                  assertThat(m.getAction()).isEqualTo(ControlAction.REPUBLISH);
                  assertThat(m.getAuthor()).isEqualTo(RepublishRequests.AUTHOR);
                  assertThat(m.getReason()).contains("were lost");
                });
        in.interactions(120, 400, 300);
        in.flush();
        log.await("a version more", LONG, () -> log.committed() > 2);
        assertVerified(config);
        assertThat(run.failure()).isEmpty();
        assertThat(run.restartedAfter()).isEmpty();
      }
    }
  }

  @Test
  void aDamagedTopicIsMendedOnRequest() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "damaged");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog log = TinyJob.log(config, true)) {
      in.items(0, 200);
      try (JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
        log.await(
            "a version and all rows",
            LONG,
            () -> log.committed() == 1 && log.items().size() == 200);
        assertVerified(config);
        // Another's row: the topic no longer agrees with its COMMIT.
        ItemToken row = ItemToken.newBuilder(log.token(Inputs.name(3))).build();
        row.setCodes(List.of(1, 1, 1));
        row.setSuffix(77);
        in.sendNow(
            Topics.tokens(config), Inputs.bytes(row.getItem()), new WireFormat().encode(row));
        assertThat(verify(config, Duration.ZERO).passed()).isFalse();
        int exit =
            new CommandLine(new TokensCommand())
                .execute("republish", "--bootstrap", Broker.bootstrap(), "--prefix", "damaged.");
        assertThat(exit).isZero();
        assertVerified(config);
        log.poll();
        assertThat(log.items()).hasSize(200);
        assertThat(run.failure()).isEmpty();
      }
    }
  }

  @Test
  void aTopicThatWasMadeAgainIsRefusedOrWrittenAnew() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "again");
    Topics.create(config);
    try (Inputs in = new Inputs(config)) {
      in.items(0, 200);
      try (TokenLog log = TinyJob.log(config, true);
          JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
        log.await("a version", LONG, () -> log.committed() == 1);
        log.await("a revision", LONG, () -> log.revision() != null);
        Thread.sleep(1_500);
        assertThat(run.failure()).isEmpty();
      }
      List<String> gone = List.of(Topics.tokens(config), Topics.versions(config));
      admin.deleteTopics(gone).all().get();
      Awaitility.await()
          .until(() -> admin.listTopics().names().get().stream().noneMatch(gone::contains));
      assertThat(Topics.create(config)).containsExactlyInAnyOrderElementsOf(gone);
      try (JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
        Awaitility.await().atMost(LONG).until(() -> run.failure().isPresent());
        assertThat(run.failure().orElseThrow())
            .rootCause()
            .hasMessageContaining("deleted and made again")
            .hasMessageContaining("again.tokens, again.versions")
            .hasMessageContaining("--set topics.accept-new=true");
      }
      JobConfig accepts = TinyJob.config(Broker.bootstrap(), "again", "topics.accept-new=true");
      try (TokenLog log = TinyJob.log(config, true);
          JobRun run = JobRun.start(accepts, folder, 18_381, SidstreamJob::build)) {
        log.await("the version", LONG, () -> log.committed() == 1);
        assertVerified(config);
        log.poll();
        assertThat(log.items()).hasSize(200);
        in.interactions(0, 400, 200);
        in.flush();
        log.await("a version more", LONG, () -> log.committed() > 1);
        assertVerified(config);
        assertThat(run.failure()).isEmpty();
      }
      // Once is enough.
      try (JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
        assertThat(run.awaitRunning()).isTrue();
      }
    }
  }

  private static TokenAudit.Report verify(JobConfig config, Duration wait) throws Exception {
    return Verification.run(
        config.get(JobOptions.KAFKA_BOOTSTRAP),
        config.get(JobOptions.TOPICS_PREFIX),
        new Properties(),
        false,
        false,
        wait);
  }

  private static void assertVerified(JobConfig config) throws Exception {
    TokenAudit.Report report = verify(config, Duration.ofSeconds(60));
    assertThat(report.passed()).as(report.text()).isTrue();
  }

  /** Takes a savepoint and waits for it. */
  static void savepoint(JobRun run, Path into) throws Exception {
    HttpClient http = HttpClient.newHttpClient();
    String base = run.ui().toString().replaceAll("/$", "") + "/jobs/" + run.id() + "/savepoints";
    String body = "{\"target-directory\": \"%s\", \"cancel-job\": false}".formatted(into.toUri());
    String answer =
        http.send(
                HttpRequest.newBuilder(URI.create(base))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(body))
                    .build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
    Matcher id = Pattern.compile("\"request-id\":\"(\\w+)\"").matcher(answer);
    assertThat(id.find()).as(answer).isTrue();
    HttpRequest status = HttpRequest.newBuilder(URI.create(base + "/" + id.group(1))).build();
    Awaitility.await("a savepoint")
        .atMost(LONG)
        .until(
            () ->
                http.send(status, HttpResponse.BodyHandlers.ofString())
                    .body()
                    .contains("\"location\""));
  }

  private List<ControlMessage> control(JobConfig config) {
    WireFormat wire = new WireFormat();
    return CommittedRecords.of(config, Topics.control(config)).stream()
        .map(record -> wire.decode(record.value(), ControlMessage.class))
        // UNKNOWN: a run of the job says that it begins.
        .filter(message -> message.getAction() != ControlAction.UNKNOWN)
        .toList();
  }
}
