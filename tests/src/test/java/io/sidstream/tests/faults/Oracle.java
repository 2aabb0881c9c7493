package io.sidstream.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sidstream.job.config.JobConfig;
import io.sidstream.schemas.VersionState;
import io.sidstream.tests.TinyJob;
import io.sidstream.tests.TokenLog;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.apache.kafka.common.errors.TimeoutException;

/**
 * Says what must be so, from the input alone, and holds the topics to it: as a stranger reads them,
 * committed records only. A second reader, that does not wait for commits, tells whether there was
 * anything that a fault could have lost or doubled. For one thread.
 */
final class Oracle implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(20);

  private final Flow flow;
  private final Setup.DeadLetters promised;
  private final TokenLog committed;
  private final TokenLog all;
  private long aborted;

  /** Reads nothing yet. */
  Oracle(JobConfig config, Flow flow, Setup.DeadLetters promised) {
    this.flow = flow;
    this.promised = promised;
    committed = TinyJob.log(config, true);
    all = TinyJob.log(config, false).countOnly();
  }

  /** Waits for the first table that is committed. */
  void awaitFirstVersion() {
    committed.await(
        "the first version",
        PATIENCE,
        () -> committed.committed() > 0 && committed.revision() != null);
  }

  /** Waits for the next revision, and until no version is under way. */
  void awaitRevision() {
    committed.poll();
    long now = committed.revision().getRevision();
    committed.await(
        "a revision after " + now,
        PATIENCE,
        () ->
            committed.revision().getRevision() > now && committed.begun() == committed.committed());
  }

  /** Takes in what has come since, so that nothing is missed that the broker compacts away. */
  void follow() {
    try {
      committed.poll();
      all.poll();
    } catch (TimeoutException e) {
      // The broker is still coming up.
    }
  }

  /** What of the tables so far is not what their COMMITs say; null for nothing. */
  String disagreement() {
    try {
      committed.awaitVerified();
      return null;
    } catch (AssertionError | RuntimeException e) {
      return e.toString();
    }
  }

  /** Whether records were written that no reader of committed records has. */
  boolean transactionIsOpen() {
    committed.poll();
    all.poll();
    return all.records() > committed.records();
  }

  /**
   * Waits until readers have a row of an item that was sent since {@link Flow#mark}.
   *
   * @param meanwhile what is done again and again
   */
  void awaitFreshRow(Callable<?> meanwhile) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      meanwhile.call();
      try {
        committed.poll();
      } catch (TimeoutException e) {
        // The broker is still coming up.
      }
      if (flow.fresh().stream().anyMatch(item -> committed.token(item) != null)) {
        return;
      }
      sleep(20);
    }
    throw new AssertionError(
        "no row of an item sent after the fault is committed after %s; version %d of %d"
            .formatted(PATIENCE, committed.committed(), committed.begun()));
  }

  static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /**
   * Waits until everything that was sent has come out, and checks that exactly that has: the items
   * that are alive have tokens and no other; every interaction is learnt once; every committed
   * table is what its COMMIT says, without a token twice; no version is missing; each record that
   * nothing can be made of is a dead letter as promised, and no other is.
   */
  void verify() {
    int rejected = flow.rubbish();
    Set<String> items = flow.items();
    try {
      committed.await(
          "all that was sent",
          PATIENCE,
          () ->
              committed.interactions() == flow.interactions()
                  && committed.begun() == committed.committed()
                  && committed.items().equals(items)
                  && (promised == Setup.DeadLetters.AT_MOST_ONCE
                      || committed.deadLetters().size() >= rejected));
    } catch (org.awaitility.core.ConditionTimeoutException e) {
      Set<String> missing = new TreeSet<>(items);
      missing.removeAll(committed.items());
      Set<String> tooMany = new TreeSet<>(committed.items());
      tooMany.removeAll(items);
      throw new AssertionError(
          "after %s: interactions learnt %d of %d; version %d of %d; without a token %s; with one that must have none %s; dead letters %d of %d"
              .formatted(
                  PATIENCE,
                  committed.interactions(),
                  flow.interactions(),
                  committed.committed(),
                  committed.begun(),
                  missing,
                  tooMany,
                  committed.deadLetters().size(),
                  rejected),
          e);
    }
    if (promised == Setup.DeadLetters.AT_MOST_ONCE) {
      committed.awaitNewestVerified();
    } else {
      committed.awaitVerified();
    }
    int deadLetters = committed.deadLetters().size();
    switch (promised) {
      case ONCE -> assertThat(deadLetters).as("dead letters").isEqualTo(rejected);
      case AT_LEAST_ONCE ->
          assertThat(deadLetters).as("dead letters").isGreaterThanOrEqualTo(rejected);
      default -> assertThat(deadLetters).as("dead letters").isLessThanOrEqualTo(rejected);
    }
    assertThat(committed.committed()).as("versions").isGreaterThan(1);
    // Once no transaction is open, what a reader of everything has more was aborted.
    committed.await(
        "no transaction is open",
        PATIENCE,
        () -> {
          long before = committed.records();
          all.poll();
          committed.poll();
          aborted = all.records() - committed.records();
          return committed.records() == before && quiet(aborted);
        });
  }

  /** Whether a while brings nothing more, so that the difference is no open transaction. */
  private boolean quiet(long difference) {
    sleep(3_000);
    all.poll();
    committed.poll();
    return all.records() - committed.records() == difference;
  }

  /** Adds what was found to a scenario's figures. */
  void report(ObjectNode figures) {
    figures
        .put("recordsSent", flow.records())
        .put("items", committed.items().size())
        .put("itemsWithoutToken", 0)
        .put("rubbishSent", flow.rubbish())
        .put("deadLetters", committed.deadLetters().size())
        .put("interactionsLearnt", committed.interactions())
        .put("versions", committed.versions(VersionState.COMMIT).stream().distinct().count())
        .put("committedRecords", committed.records())
        .put("abortedRecords", aborted);
  }

  @Override
  public void close() {
    committed.close();
    all.close();
  }
}
