package io.sidstream.tests.faults;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** {@code kill -9} of one process after the other, or of all at once, in an order from a seed. */
final class Kills {
  /** What is killed: of six, each kind comes once, and a TaskManager three times. */
  private static final List<String> BAG =
      List.of("TaskManager", "TaskManager", "TaskManager", "JobManager", "broker", "everything");

  private final FaultCluster cluster;
  private final Faults faults;
  private final Random random;
  private final List<String> bag = new ArrayList<>();

  Kills(FaultCluster cluster, Faults faults, Random random) {
    this.cluster = cluster;
    this.faults = faults;
    this.random = random;
  }

  /** Kills what comes next, and starts it again after a moment; returns when the job goes on. */
  void next() throws Exception {
    if (bag.isEmpty()) {
      bag.addAll(BAG);
      Collections.shuffle(bag, random);
    }
    String what = bag.remove(bag.size() - 1);
    List<Member> victims = victims(what);
    // In the middle of whatever it is.
    Oracle.sleep(random.nextInt(4_000));
    int pause = random.nextInt(500);
    faults.inflict(
        what,
        () -> victims.forEach(Member::kill),
        () -> {
          Oracle.sleep(pause);
          for (Member victim : victims) {
            victim.start();
          }
        });
  }

  private List<Member> victims(String what) {
    return switch (what) {
      case "TaskManager" ->
          List.of(cluster.taskManagers.get(random.nextInt(cluster.taskManagers.size())));
      case "JobManager" -> List.of(cluster.jobManager);
      case "broker" -> List.of(cluster.broker);
      default -> cluster.members();
    };
  }
}
