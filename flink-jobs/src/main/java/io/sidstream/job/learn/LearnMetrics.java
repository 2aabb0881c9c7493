package io.sidstream.job.learn;

import io.sidstream.job.learn.LearnProgress.Phase;
import io.sidstream.job.metrics.JobMetric;
import java.util.Collection;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;

/** Registers the metrics of Learn, over the shards of a subtask. */
final class LearnMetrics {
  private LearnMetrics() {}

  /**
   * Of shards.
   *
   * @param clock ms since the epoch, as the operator has it
   */
  static void register(MetricGroup group, Collection<Shard> shards, LongSupplier clock) {
    JobMetric.INTERACTIONS.counter(group, sum(shards, s -> s.progress().interactions));
    JobMetric.QUEUED_INTERACTIONS.gauge(group, sum(shards, s -> s.progress().queuedEvents));
    JobMetric.QUEUED_FOR.gauge(group, oldest(shards, clock, s -> s.intake().queuedSince()));
    JobMetric.QUEUED_ITEMS.gauge(group, sum(shards, s -> s.progress().queuedItems));
    JobMetric.WAITING_INTERACTIONS.gauge(group, sum(shards, s -> s.progress().waiting));
    JobMetric.WAITING_FOR.gauge(group, oldest(shards, clock, s -> s.intake().waitingSince()));
    JobMetric.DROPPED_INTERACTIONS.counter(group, sum(shards, s -> s.progress().waitingDropped));
    JobMetric.CATCH_UP_ROUNDS.counter(group, sum(shards, s -> s.progress().catchUpRounds));
    JobMetric.KNOWN_USERS.gauge(group, sum(shards, s -> s.progress().users));
    JobMetric.REPLAYABLE_USERS.gauge(group, sum(shards, s -> s.progress().replayable));
    JobMetric.STEPS_LEFT.gauge(group, sum(shards, s -> s.steps()[1] - s.steps()[0]));
    JobMetric.ROUND_STEPS.gauge(group, sum(shards, s -> s.steps()[1]));
    for (Phase phase : Phase.values()) {
      LongSupplier in = sum(shards, s -> s.progress().phase == phase ? 1 : 0);
      JobMetric.SHARD_PHASE.gauge(group, phase.name(), in::getAsLong);
    }
    // The same in every shard, or nearly.
    JobMetric.KNOWN_ITEMS.gauge(group, most(shards, s -> s.progress().items));
    JobMetric.KEPT_TOKENIZERS.gauge(group, most(shards, LearnMetrics::tokenizers));
    JobMetric.LEARN_ROUND.gauge(group, most(shards, s -> s.progress().round));
  }

  private static long tokenizers(Shard shard) {
    return shard.progress().version - shard.progress().oldestTokenizer + 1;
  }

  /** For the rounds of all shards of a subtask. */
  static RoundRunner.Times times(MetricGroup group) {
    Histogram steps = JobMetric.STEP_TIME.histogram(group);
    DutyUsed duty = new DutyUsed(System.nanoTime());
    JobMetric.DUTY_USED.share(group, () -> duty.share(System.nanoTime()), () -> 1);
    return new RoundRunner.Times() {
      @Override
      public void step(long ns) {
        steps.update(TimeUnit.NANOSECONDS.toMillis(ns));
      }

      @Override
      public void worked(long from, long to) {
        duty.worked(from, to);
      }
    };
  }

  private static LongSupplier sum(Collection<Shard> shards, ToLongFunction<Shard> value) {
    return () -> shards.stream().mapToLong(value).sum();
  }

  private static LongSupplier most(Collection<Shard> shards, ToLongFunction<Shard> value) {
    return () -> shards.stream().mapToLong(value).max().orElse(0);
  }

  /** How long ago the first of some times was, each 0 for never. */
  private static LongSupplier oldest(
      Collection<Shard> shards, LongSupplier clock, ToLongFunction<Shard> since) {
    return () -> {
      long first = shards.stream().mapToLong(since).filter(t -> t > 0).min().orElse(0);
      return first == 0 ? 0 : Math.max(0, clock.getAsLong() - first);
    };
  }
}
