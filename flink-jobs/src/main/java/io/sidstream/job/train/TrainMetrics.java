package io.sidstream.job.train;

import io.sidstream.job.metrics.JobMetric;
import org.apache.flink.metrics.MetricGroup;

/** Registers the metrics of Train. */
final class TrainMetrics {
  private TrainMetrics() {}

  static void register(MetricGroup group, TrainProgress progress, Learner learner) {
    JobMetric.TOKEN_VERSION.gauge(group, () -> progress.version);
    JobMetric.REVISION.gauge(group, () -> progress.revision);
    JobMetric.INTERACTIONS.counter(group, () -> progress.interactions);
    JobMetric.PENDING_WINDOWS.gauge(group, () -> progress.tail - progress.head);
    JobMetric.INTERACTIONS_WITHOUT_ROUND.counter(group, () -> progress.withoutRound);
    JobMetric.WAITING_INTERACTIONS.gauge(group, learner::waitingInteractions);
    JobMetric.KNOWN_ITEMS.gauge(group, learner::knownItems);
    JobMetric.HELD_CANDIDATES.counter(group, () -> progress.held);
    JobMetric.ON_HOLD.gauge(group, () -> progress.holdReason == null ? 0 : 1);
    JobMetric.STEPS_LEFT.gauge(group, () -> progress.stepsLeft);
    JobMetric.MODEL_HIT_RATE.share(group, () -> progress.hits10, () -> progress.events);
    JobMetric.MODEL_NDCG.share(group, () -> progress.ndcg10, () -> progress.events);
    JobMetric.POPULARITY_HIT_RATE.share(
        group, () -> progress.popularityHits10, () -> progress.events);
    JobMetric.NEW_ITEM_HIT_RATE.share(group, () -> progress.newHits10, () -> progress.newEvents);
  }
}
