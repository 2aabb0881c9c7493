package io.sidstream.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.TimeUnit;

/** Inflicts faults one after the other, each when the one before is over; keeps the figures. */
final class Faults {
  private final FaultCluster cluster;
  private final Flow flow;
  private final Oracle oracle;
  private final Recoveries recoveries = new Recoveries();
  private final ObjectNode more = new ObjectMapper().createObjectNode();
  private int inTransactions;
  private int revived;
  private volatile boolean steady = true;

  /** Something that is done to the cluster. */
  @FunctionalInterface
  interface Step {
    void run() throws Exception;
  }

  Faults(FaultCluster cluster, Flow flow, Oracle oracle) {
    this.cluster = cluster;
    this.flow = flow;
    this.oracle = oracle;
  }

  /**
   * Breaks something and mends it, and waits until readers have a row of an item that was sent
   * after it broke. What ends by itself meanwhile is started again.
   *
   * @param what name, for the figures
   */
  void inflict(String what, Step breaks, Step mends) throws Exception {
    boolean open = oracle.transactionIsOpen();
    flow.mark();
    steady = false;
    long begin = System.nanoTime();
    breaks.run();
    mends.run();
    oracle.awaitFreshRow(() -> revived += cluster.revive());
    long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    recoveries.add(what, took);
    inTransactions += open ? 1 : 0;
    steady = true;
    System.out.printf(
        "fault %d, %s: %.1f s%s%n",
        count(), what, took / 1000., open ? ", a transaction was open" : "");
  }

  /** Waits until readers have a revision that they do not have now, and no version is under way. */
  void awaitRevision() {
    oracle.awaitRevision();
  }

  /** Leaves the cluster alone until then ({@link System#nanoTime}); readers read on. */
  void restUntil(long then) throws Exception {
    while (System.nanoTime() < then) {
      oracle.follow();
      revived += cluster.revive();
      Oracle.sleep(200);
    }
  }

  /** Whether no fault is being inflicted; for any thread. */
  boolean steady() {
    return steady;
  }

  /** Faults so far. */
  int count() {
    return recoveries.count();
  }

  /** Processes that ended by themselves, and were started again. */
  int revived() {
    return revived;
  }

  /** Adds a scenario's own figures. */
  void report(String name, JsonNode figures) {
    more.set(name, figures);
  }

  /** The figures so far. */
  ObjectNode figures() {
    ObjectNode figures = new ObjectMapper().createObjectNode();
    figures.put("inOpenTransactions", inTransactions).put("endedByThemselves", revived);
    oracle.report(figures);
    figures.set("recovery", recoveries.json());
    figures.setAll(more);
    return figures;
  }

  /** The figures so far, and whether the tables so far are what their COMMITs say. */
  ObjectNode interim() {
    String wrong = oracle.disagreement();
    ObjectNode figures = figures();
    figures.remove("itemsWithoutToken");
    figures.remove("abortedRecords");
    return figures.put("tablesAgree", wrong == null ? "yes" : wrong);
  }

  /** Ends the flow, holds the topics to what it has sent, and tells the figures. */
  ObjectNode settle() throws Exception {
    flow.stop();
    oracle.verify();
    assertThat(inTransactions).as("faults while a transaction was open").isPositive();
    return figures();
  }
}
