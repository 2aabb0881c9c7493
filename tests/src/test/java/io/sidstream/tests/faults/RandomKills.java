package io.sidstream.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * {@code kill -9} at random times while items and interactions flow: of a TaskManager, of the
 * JobManager, of the broker, of everything at once. Each is started again after a moment; the next
 * kill comes when readers have seen a row that was not there before it.
 */
final class RandomKills {
  /** What is killed; of six kills, each kind comes once, and a TaskManager three times. */
  private static final List<String> BAG =
      List.of("TaskManager", "TaskManager", "TaskManager", "JobManager", "broker", "everything");

  private final FaultCluster cluster;
  private final Flow flow;
  private final Oracle oracle;
  private final Random random;
  private final Recoveries recoveries = new Recoveries();
  private int inTransactions;

  RandomKills(FaultCluster cluster, Flow flow, Oracle oracle, long seed) {
    this.cluster = cluster;
    this.flow = flow;
    this.oracle = oracle;
    random = new Random(seed);
  }

  /** Kills, until so many are done or so much time is over; what it found. */
  ObjectNode run(int kills, long minutes) throws Exception {
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes);
    List<String> bag = new ArrayList<>();
    while (recoveries.count() < kills && System.nanoTime() < end) {
      if (bag.isEmpty()) {
        bag.addAll(BAG);
        Collections.shuffle(bag, random);
      }
      kill(bag.remove(bag.size() - 1));
    }
    flow.stop();
    oracle.verify(0);
    assertThat(inTransactions).as("kills while a transaction was open").isPositive();
    ObjectNode figures = new ObjectMapper().createObjectNode();
    figures.put("killsInOpenTransactions", inTransactions);
    oracle.report(figures);
    figures.set("recovery", recoveries.json());
    return figures;
  }

  private void kill(String what) throws Exception {
    List<Member> victims =
        switch (what) {
          case "TaskManager" ->
              List.of(
                  cluster.taskManagers.get(random.nextInt(cluster.taskManagers.size())));
          case "JobManager" -> List.of(cluster.jobManager);
          case "broker" -> List.of(cluster.broker);
          default -> cluster.members();
        };
    // In the middle of whatever it is.
    Oracle.sleep(random.nextInt(4_000));
    boolean open = oracle.transactionIsOpen();
    flow.mark();
    long begin = System.nanoTime();
    victims.forEach(Member::kill);
    Oracle.sleep(random.nextInt(500));
    for (Member victim : victims) {
      victim.start();
    }
    oracle.awaitFreshRow();
    long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    recoveries.add(what, took);
    inTransactions += open ? 1 : 0;
    System.out.printf(
        "kill %d, %s: %.1f s%s%n",
        recoveries.count(), what, took / 1000., open ? ", a transaction was open" : "");
  }
}
