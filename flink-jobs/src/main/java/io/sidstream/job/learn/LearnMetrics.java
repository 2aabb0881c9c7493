package io.sidstream.job.learn;

import io.sidstream.job.metrics.JobMetric;
import java.util.Collection;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;

/** Registers the metrics of Learn, over the shards of a subtask. */
final class LearnMetrics {
  private LearnMetrics() {}

  static void register(MetricGroup group, Collection<Shard> shards) {
    JobMetric.INTERACTIONS.counter(group, sum(shards, s -> s.progress().interactions));
    JobMetric.QUEUED_INTERACTIONS.gauge(group, sum(shards, s -> s.progress().queuedEvents));
    JobMetric.QUEUED_ITEMS.gauge(group, sum(shards, s -> s.progress().queuedItems));
    JobMetric.WAITING_INTERACTIONS.gauge(group, sum(shards, s -> s.progress().waiting));
    JobMetric.DROPPED_INTERACTIONS.counter(group, sum(shards, s -> s.progress().waitingDropped));
    JobMetric.CATCH_UP_ROUNDS.counter(group, sum(shards, s -> s.progress().catchUpRounds));
    JobMetric.KNOWN_USERS.gauge(group, sum(shards, s -> s.progress().users));
    JobMetric.STEPS_LEFT.gauge(group, sum(shards, s -> s.steps()[1] - s.steps()[0]));
    JobMetric.ROUND_STEPS.gauge(group, sum(shards, s -> s.steps()[1]));
    // The same in every shard, or nearly.
    JobMetric.KNOWN_ITEMS.gauge(group, most(shards, s -> s.progress().items));
    JobMetric.LEARN_ROUND.gauge(group, most(shards, s -> s.progress().round));
  }

  /** For the steps of all shards of a subtask, ms. */
  static Histogram stepTime(MetricGroup group) {
    return JobMetric.STEP_TIME.histogram(group);
  }

  private static LongSupplier sum(Collection<Shard> shards, ToLongFunction<Shard> value) {
    return () -> shards.stream().mapToLong(value).sum();
  }

  private static LongSupplier most(Collection<Shard> shards, ToLongFunction<Shard> value) {
    return () -> shards.stream().mapToLong(value).max().orElse(0);
  }
}
