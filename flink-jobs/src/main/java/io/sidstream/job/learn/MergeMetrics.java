package io.sidstream.job.learn;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.model.learn.RoundResult;
import io.sidstream.model.learn.RuleVerdict;
import io.sidstream.model.learn.RuleVerdict.Outcome;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** The metrics of Merge. */
final class MergeMetrics {
  private final Map<String, Map<Outcome, Counter>> gate = new HashMap<>();
  private volatile double recommendation = Double.NaN;
  private volatile double reconstruction = Double.NaN;
  private volatile double commitment = Double.NaN;

  /**
   * Registers all.
   *
   * @param rules names of the gate's rules
   * @param at where the merge stands; gives what is never changed again
   */
  MergeMetrics(MetricGroup group, List<String> rules, Supplier<MergeProgress> at) {
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
    JobMetric.PART_LOSS.gauge(group, "recommendation", () -> recommendation);
    JobMetric.PART_LOSS.gauge(group, "reconstruction", () -> reconstruction);
    JobMetric.PART_LOSS.gauge(group, "commitment", () -> commitment);
    for (String rule : rules) {
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
   * @param rules what the gate's rules say; empty where it judged nothing
   */
  void merged(RoundResult.Figures figures, List<RuleVerdict> rules) {
    if (figures.steps() > 0) {
      recommendation = figures.recommendation() / figures.steps();
    }
    // A round of the recommender alone encodes nothing.
    if (figures.reconstruction() > 0) {
      reconstruction = figures.reconstruction() / figures.steps();
      commitment = figures.commitment() / figures.steps();
    }
    rules.forEach(rule -> gate.get(rule.rule()).get(rule.outcome()).inc());
  }
}
