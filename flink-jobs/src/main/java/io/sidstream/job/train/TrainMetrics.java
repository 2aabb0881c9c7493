package io.sidstream.job.train;

import org.apache.flink.metrics.MetricGroup;

/** Gauges of Train, under {@code <host>.taskmanager.<tm>.sidstream.Train.<subtask>}. */
public final class TrainMetrics {
  /** Token version in use, 0 for none. */
  public static final String VERSION = "tokenVersion";

  /** Recommender revision, 0 for none. */
  public static final String REVISION = "revision";

  /** Interactions consumed in all. */
  public static final String INTERACTIONS = "interactions";

  /** Windows that wait to be consumed. */
  public static final String PENDING = "pendingWindows";

  /** Interactions whose item has not arrived, or is removed. */
  public static final String WAITING = "waitingInteractions";

  /** Interactions taken in without a round of their own: training does not keep up. */
  public static final String WITHOUT_ROUND = "interactionsWithoutRound";

  /** Items with a content vector. */
  public static final String ITEMS = "items";

  /** Optimizer steps left in the round, 0 between rounds. */
  public static final String STEPS_LEFT = "stepsLeft";

  /** Candidates that were held back in all. */
  public static final String HELD = "heldCandidates";

  /** 1 while a control message holds candidates back, else 0. */
  public static final String ON_HOLD = "onHold";

  private TrainMetrics() {}

  static void register(MetricGroup group, TrainProgress progress, Learner learner) {
    group.gauge(VERSION, () -> progress.version);
    group.gauge(REVISION, () -> progress.revision);
    group.gauge(INTERACTIONS, () -> progress.interactions);
    group.gauge(PENDING, () -> progress.tail - progress.head);
    group.gauge(WITHOUT_ROUND, () -> progress.withoutRound);
    group.gauge(WAITING, learner::waitingInteractions);
    group.gauge(ITEMS, learner::knownItems);
    group.gauge(HELD, () -> progress.held);
    group.gauge(ON_HOLD, () -> progress.holdReason == null ? 0 : 1);
    group.gauge(STEPS_LEFT, () -> progress.stepsLeft);
  }
}
