package io.sidstream.job.learn;

import io.sidstream.job.learn.MergeProgress.Phase;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.model.learn.GateRules;
import io.sidstream.model.learn.RoundResult;
import io.sidstream.model.learn.RuleVerdict.Outcome;
import io.sidstream.model.learn.Verdict;
import io.sidstream.model.train.Quality;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** The metrics of Merge. */
final class MergeMetrics {
  private final Map<String, Map<Outcome, Counter>> gate = new HashMap<>();
  private volatile double recommendation = Double.NaN;
  private volatile double reconstruction = Double.NaN;
  private volatile double commitment = Double.NaN;

  /** What the newest candidate does with the items; null before the first. */
  private volatile Quality candidate;

  /**
   * Registers all.
   *
   * @param levels of the quantizer
   * @param codewords of each level
   * @param at where the merge stands; gives what is never changed again
   */
  MergeMetrics(MetricGroup group, int levels, int codewords, Supplier<MergeProgress> at) {
    JobMetric.TOKEN_VERSION.gauge(group, () -> at.get().version);
    JobMetric.REVISION.gauge(group, () -> at.get().revision);
    JobMetric.MERGED_ROUND.gauge(group, () -> at.get().round);
    for (Phase phase : Phase.values()) {
      JobMetric.MERGE_PHASE.gauge(group, phase.name(), () -> at.get().phase == phase ? 1 : 0);
    }
    JobMetric.SHARDS_BEHIND.gauge(group, () -> at.get().behind());
    JobMetric.HELD_CANDIDATES.counter(group, () -> at.get().held);
    JobMetric.ON_HOLD.gauge(group, () -> at.get().holdReason == null ? 0 : 1);
    JobMetric.MODEL_HIT_RATE.share(group, () -> at.get().hits10, () -> at.get().ranked);
    JobMetric.MODEL_NDCG.share(group, () -> at.get().ndcg10, () -> at.get().ranked);
    JobMetric.POPULARITY_HIT_RATE.share(
        group, () -> at.get().popularityHits10, () -> at.get().ranked);
    JobMetric.POPULARITY_NDCG.share(
        group, () -> at.get().popularityNdcg10, () -> at.get().compared);
    JobMetric.NEW_ITEM_HIT_RATE.share(group, () -> at.get().newHits10, () -> at.get().newRanked);
    JobMetric.NEW_ITEM_NDCG.share(group, () -> at.get().newNdcg10, () -> at.get().newCompared);
    JobMetric.NEW_ITEM_POPULARITY_HIT_RATE.share(
        group, () -> at.get().newPopularityHits10, () -> at.get().newCompared);
    JobMetric.NEW_ITEM_POPULARITY_NDCG.share(
        group, () -> at.get().newPopularityNdcg10, () -> at.get().newCompared);
    JobMetric.UNRANKED_EVENTS.counter(group, () -> at.get().unranked);
    JobMetric.PART_LOSS.gauge(group, "recommendation", () -> recommendation);
    JobMetric.PART_LOSS.gauge(group, "reconstruction", () -> reconstruction);
    JobMetric.PART_LOSS.gauge(group, "commitment", () -> commitment);
    for (int level = 0; level < levels; level++) {
      int l = level;
      JobMetric.DEAD_CODEWORDS.gauge(
          group,
          String.valueOf(level + 1),
          () -> ofCandidate(q -> Math.round((1 - q.utilisation()[l]) * codewords)));
    }
    LongSupplier judged = () -> candidate == null ? 0 : 1;
    JobMetric.DISTINCT_TUPLES.share(group, () -> ofCandidate(Quality::distinctTuples), judged);
    JobMetric.LARGEST_COLLISION.share(group, () -> ofCandidate(Quality::largestCollision), judged);
    for (String rule : GateRules.names(levels)) {
      Map<Outcome, Counter> counters = new EnumMap<>(Outcome.class);
      for (Outcome outcome : Outcome.values()) {
        MetricGroup of = group.addGroup(JobMetric.RULE, rule);
        counters.put(
            outcome, JobMetric.GATE_DECISIONS.counter(of, JobMetric.OUTCOME, outcome.name()));
      }
      gate.put(rule, counters);
    }
  }

  /**
   * A round was merged.
   *
   * @param figures of all shards
   * @param verdict what the gate says; null where it judged nothing
   */
  void merged(RoundResult.Figures figures, Verdict verdict) {
    if (figures.steps() > 0) {
      recommendation = figures.recommendation() / figures.steps();
    }
    // A round of the recommender alone encodes nothing.
    if (figures.reconstruction() > 0) {
      reconstruction = figures.reconstruction() / figures.steps();
      commitment = figures.commitment() / figures.steps();
    }
    if (verdict != null) {
      verdict.rules().forEach(rule -> gate.get(rule.rule()).get(rule.outcome()).inc());
      candidate = verdict.quality() == null ? candidate : verdict.quality();
    }
  }

  private double ofCandidate(ToDoubleFunction<Quality> figure) {
    Quality quality = candidate;
    return quality == null ? Double.NaN : figure.applyAsDouble(quality);
  }
}
