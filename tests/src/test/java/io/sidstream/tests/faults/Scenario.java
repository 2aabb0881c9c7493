package io.sidstream.tests.faults;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** What is done to a cluster while items and interactions flow. */
enum Scenario {
  /**
   * {@code kill -9} at random times: of a TaskManager, of the JobManager, of the broker, of
   * everything at once. Each is started again after a moment.
   */
  KILLS {
    @Override
    void run(FaultCluster cluster, Faults faults, Random random, Length length) throws Exception {
      long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(length.minutes);
      List<String> bag = new ArrayList<>();
      while (faults.count() < length.faults && System.nanoTime() < end) {
        if (bag.isEmpty()) {
          bag.addAll(BAG);
          Collections.shuffle(bag, random);
        }
        String what = bag.remove(bag.size() - 1);
        List<Member> victims = victims(what, cluster, random);
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
    }
  },

  /** The broker is down for two minutes. */
  OUTAGE {
    @Override
    void run(FaultCluster cluster, Faults faults, Random random, Length length) throws Exception {
      for (int i = 0; i < length.faults; i++) {
        faults.inflict(
            "broker for two minutes",
            cluster.broker::kill,
            () -> {
              Oracle.sleep(Duration.ofMinutes(2).toMillis());
              cluster.broker.start();
            });
      }
    }
  },

  /**
   * A TaskManager stands still for longer than its heartbeat may be missing, and goes on as if
   * nothing had happened.
   */
  PAUSE {
    @Override
    void run(FaultCluster cluster, Faults faults, Random random, Length length) throws Exception {
      for (int i = 0; i < length.faults; i++) {
        Member paused = cluster.taskManagers.get(random.nextInt(cluster.taskManagers.size()));
        faults.inflict(
            "TaskManager stands still",
            paused::pause,
            () -> {
              Oracle.sleep(2 * HEARTBEAT.toMillis());
              paused.resume();
            });
      }
    }
  };

  /** Heartbeat that may be missing. */
  static final Duration HEARTBEAT = Duration.ofSeconds(10);

  /** What is killed: of six, each kind comes once, and a TaskManager three times. */
  private static final List<String> BAG =
      List.of("TaskManager", "TaskManager", "TaskManager", "JobManager", "broker", "everything");

  /**
   * How long a scenario goes on: whichever comes first.
   *
   * @param faults number of faults
   * @param minutes time
   */
  record Length(int faults, long minutes) {}

  abstract void run(FaultCluster cluster, Faults faults, Random random, Length length)
      throws Exception;

  private static List<Member> victims(String what, FaultCluster cluster, Random random) {
    return switch (what) {
      case "TaskManager" ->
          List.of(cluster.taskManagers.get(random.nextInt(cluster.taskManagers.size())));
      case "JobManager" -> List.of(cluster.jobManager);
      case "broker" -> List.of(cluster.broker);
      default -> cluster.members();
    };
  }
}
