package io.sidstream.tests.faults;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** What is done to a cluster while items and interactions flow. */
enum Scenario {
  /**
   * {@code kill -9} at random times: of a TaskManager, of the JobManager, of the broker, of
   * everything at once. Each is started again after a moment.
   */
  KILLS {
    @Override
    void run(Stage stage) throws Exception {
      long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(stage.length().minutes());
      Kills kills = new Kills(stage.cluster(), stage.faults(), stage.random());
      while (stage.faults().count() < stage.length().faults() && System.nanoTime() < end) {
        kills.next();
      }
    }
  },

  /** A steady rate for hours, with a kill every minute or two: what grows, and how fast. */
  SOAK {
    @Override
    Setup setup() {
      return Soak.SETUP;
    }

    @Override
    void run(Stage stage) throws Exception {
      new Soak(stage).run();
    }
  },

  /** The broker is down for two minutes. */
  OUTAGE {
    @Override
    void run(Stage stage) throws Exception {
      FaultCluster cluster = stage.cluster();
      for (int i = 0; i < stage.length().faults(); i++) {
        stage
            .faults()
            .inflict(
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
    void run(Stage stage) throws Exception {
      FaultCluster cluster = stage.cluster();
      for (int i = 0; i < stage.length().faults(); i++) {
        Member paused =
            cluster.taskManagers.get(stage.random().nextInt(cluster.taskManagers.size()));
        stage
            .faults()
            .inflict(
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

  Setup setup() {
    return Setup.STANDARD;
  }

  abstract void run(Stage stage) throws Exception;
}
