package io.sidstream.job.learn;

import io.sidstream.job.metrics.JobMetric;
import java.util.function.Supplier;
import org.apache.flink.metrics.MetricGroup;

/** Registers the metrics of Merge. */
final class MergeMetrics {
  private MergeMetrics() {}

  /**
   * With a supplier of where the merge stands.
   *
   * @param at gives what is never changed again
   */
  static void register(MetricGroup group, Supplier<MergeProgress> at) {
    JobMetric.TOKEN_VERSION.gauge(group, () -> at.get().version);
    JobMetric.REVISION.gauge(group, () -> at.get().revision);
    JobMetric.MERGED_ROUND.gauge(group, () -> at.get().round);
    JobMetric.HELD_CANDIDATES.counter(group, () -> at.get().held);
    JobMetric.ON_HOLD.gauge(group, () -> at.get().holdReason == null ? 0 : 1);
    JobMetric.MODEL_HIT_RATE.share(group, () -> at.get().hits10, () -> at.get().ranked);
    JobMetric.MODEL_NDCG.share(group, () -> at.get().ndcg10, () -> at.get().ranked);
    JobMetric.POPULARITY_HIT_RATE.share(
        group, () -> at.get().popularityHits10, () -> at.get().ranked);
    JobMetric.NEW_ITEM_HIT_RATE.share(group, () -> at.get().newHits10, () -> at.get().newRanked);
    JobMetric.UNRANKED_EVENTS.counter(group, () -> at.get().unranked);
  }
}
