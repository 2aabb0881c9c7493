package io.sidstream.job.learn;

import java.util.function.Supplier;
import org.apache.flink.metrics.MetricGroup;

/** Gauges of Merge. */
public final class MergeMetrics {
  /** Token version in use, 0 for none. */
  public static final String VERSION = "tokenVersion";

  /** Newest token version that was read back as committed. */
  public static final String COMMITTED = "committedVersion";

  /** Recommender revision, 0 for none. */
  public static final String REVISION = "revision";

  /** Rounds merged. */
  public static final String ROUND = "round";

  /** Candidates that were held back in all. */
  public static final String HELD = "heldCandidates";

  /** 1 while a control message holds candidates back, else 0. */
  public static final String ON_HOLD = "onHold";

  private MergeMetrics() {}

  static void register(MetricGroup group, Supplier<MergeFigures> figures) {
    group.gauge(VERSION, () -> figures.get().version());
    group.gauge(COMMITTED, () -> figures.get().committed());
    group.gauge(REVISION, () -> figures.get().revision());
    group.gauge(ROUND, () -> figures.get().round());
    group.gauge(HELD, () -> figures.get().held());
    group.gauge(ON_HOLD, () -> figures.get().onHold() ? 1 : 0);
  }
}
