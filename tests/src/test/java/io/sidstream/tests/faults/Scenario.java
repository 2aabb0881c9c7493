package io.sidstream.tests.faults;

import com.fasterxml.jackson.databind.node.IntNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** What is done to a cluster while items and interactions flow. */
enum Scenario {
  /**
   * {@code kill -9} at random times: of a TaskManager, of the JobManager, of the broker, of
   * everything at once. Each is started again after a moment.
   */
  KILLS {
    @Override
    void run(Stage stage) throws Exception {
      kills(stage);
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
      for (int i = 0; i < stage.length().faults(); i++) {
        down(
            stage,
            "broker for two minutes",
            List.of(stage.cluster().broker),
            Duration.ofMinutes(2));
      }
    }
  },

  /**
   * The broker, and then all of Flink, is down for longer than a transaction may be open: what was
   * not committed by then is lost, and has to be written again.
   */
  EXPIRY {
    @Override
    Setup setup() {
      return Setup.STANDARD
          .job(FAST, PART, "kafka.transaction-timeout=20 s", "checkpoint.timeout=15 s")
          .deadLetters(Setup.DeadLetters.AT_MOST_ONCE);
    }

    @Override
    void run(Stage stage) throws Exception {
      FaultCluster cluster = stage.cluster();
      Duration longer = Duration.ofSeconds(60);
      for (int i = 0; i < stage.length().faults(); i++) {
        // In the middle of whatever it is.
        Oracle.sleep(stage.random().nextInt(4_000));
        if (i % 2 == 0) {
          down(stage, "broker beyond the transaction timeout", List.of(cluster.broker), longer);
        } else {
          down(stage, "Flink beyond the transaction timeout", cluster.flinks(), longer);
        }
      }
      stage
          .faults()
          .report("lostTransactions", IntNode.valueOf(cluster.count("were lost: the broker had")));
    }
  },

  /**
   * A TaskManager stands still for longer than its heartbeat may be missing, and goes on as if
   * nothing had happened.
   */
  PAUSE {
    @Override
    void run(Stage stage) throws Exception {
      List<Member> all = stage.cluster().taskManagers;
      for (int i = 0; i < stage.length().faults(); i++) {
        Member paused = all.get(stage.random().nextInt(all.size()));
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
  },

  /** The disk that checkpoints go to is full for half a minute. */
  DISK_FULL {
    @Override
    Setup setup() {
      return Setup.STANDARD.withSmallDisk();
    }

    @Override
    void run(Stage stage) throws Exception {
      Path disk = stage.cluster().checkpoints();
      for (int i = 0; i < stage.length().faults(); i++) {
        stage
            .faults()
            .inflict(
                "disk of the checkpoints is full",
                () -> SmallDisk.fill(disk),
                () -> {
                  Oracle.sleep(Duration.ofSeconds(30).toMillis());
                  SmallDisk.free(disk);
                });
      }
    }
  },

  /**
   * The cluster is lost, and of the newest checkpoint a half: a person starts the job on another
   * cluster from the one before. No round has ended between the two, or the job would refuse, and
   * no version was under way, or readers would have to wait for the next.
   */
  DAMAGED_CHECKPOINT {
    @Override
    Setup setup() {
      return Setup.STANDARD
          .job("learn.round-interval=15 s", "learn.round-interactions=2000", PART)
          .deadLetters(Setup.DeadLetters.AT_LEAST_ONCE);
    }

    @Override
    void run(Stage stage) throws Exception {
      for (int i = 0; i < stage.length().faults(); i++) {
        new DamagedCheckpoint(stage).inflict();
      }
    }
  },

  /**
   * Nothing is broken, but much comes at once: ten times the rate for a minute, ten thousand items
   * of one content, a hundred thousand interactions of one user, half of them with one item.
   */
  RUSH {
    @Override
    Setup setup() {
      return Setup.STANDARD.job(FAST, PART, "learn.round-interactions=2000");
    }

    @Override
    void run(Stage stage) throws Exception {
      new Rush(stage).run();
    }
  },

  /** Of four partitions of each topic only one has data; processes are killed as ever. */
  EMPTY_PARTITIONS {
    @Override
    Setup setup() {
      return Setup.STANDARD
          .load(Flow.Load.STANDARD.onlyTo(0))
          .job(FAST, PART, "topics.partitions=4", "learn.round-interactions=2000");
    }

    @Override
    void run(Stage stage) throws Exception {
      kills(stage);
    }
  },

  /**
   * Of three brokers with three replicas, of which two must have a record, one after the other is
   * killed.
   */
  THREE_BROKERS {
    @Override
    Setup setup() {
      return Setup.STANDARD.brokers(3);
    }

    @Override
    void run(Stage stage) throws Exception {
      Brokers brokers = stage.cluster().brokers;
      for (int i = 0; i < stage.length().faults(); i++) {
        Member victim = brokers.members.get(i % brokers.members.size());
        Oracle.sleep(stage.random().nextInt(4_000));
        stage
            .faults()
            .inflict(
                "one broker of three",
                victim::kill,
                () -> {
                  // The other two carry on meanwhile.
                  Oracle.sleep(10_000);
                  victim.start();
                });
        Awaitility.await("replicas are in sync")
            .atMost(Duration.ofMinutes(10))
            .until(brokers::inSync);
      }
    }
  };

  /** Heartbeat that may be missing. */
  static final Duration HEARTBEAT = Duration.ofSeconds(10);

  private static final String FAST = "learn.round-interval=2 s";
  private static final String PART = "quantizer.churn-budget=0.2";

  Setup setup() {
    return Setup.STANDARD;
  }

  abstract void run(Stage stage) throws Exception;

  private static void kills(Stage stage) throws Exception {
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(stage.length().minutes());
    Kills kills = new Kills(stage.cluster(), stage.faults(), stage.random());
    while (stage.faults().count() < stage.length().faults() && System.nanoTime() < end) {
      kills.next();
    }
  }

  /** Kills them, and starts them after a time. */
  private static void down(Stage stage, String what, List<Member> victims, Duration time)
      throws Exception {
    stage
        .faults()
        .inflict(
            what,
            () -> victims.forEach(Member::kill),
            () -> {
              Oracle.sleep(time.toMillis());
              for (Member victim : victims) {
                victim.start();
              }
            });
  }
}
