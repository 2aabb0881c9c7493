package io.sidstream.job.learn;

import java.util.Collection;
import java.util.function.ToLongFunction;
import org.apache.flink.metrics.MetricGroup;

/** Gauges of Learn, over the shards of a subtask. */
public final class LearnMetrics {
  /** Interactions consumed in all. */
  public static final String INTERACTIONS = "interactions";

  /** Interactions that wait for a round. */
  public static final String QUEUED_INTERACTIONS = "queuedInteractions";

  /** Item events that wait to be taken in. */
  public static final String QUEUED_ITEMS = "queuedItems";

  /** Interactions whose item has not arrived, or is removed. */
  public static final String WAITING_INTERACTIONS = "waitingInteractions";

  /** Interactions dropped because their item did not come in time. */
  public static final String DROPPED_INTERACTIONS = "droppedInteractions";

  /** Items that a shard knows. */
  public static final String ITEMS = "items";

  /** Users that are kept. */
  public static final String USERS = "users";

  /** The newest round that was begun. */
  public static final String ROUND = "round";

  /** Token version in use, 0 for none. */
  public static final String VERSION = "tokenVersion";

  /** Steps taken in the round under way, 0 between rounds. */
  public static final String STEPS_DONE = "stepsDone";

  /** Steps of the round under way, 0 between rounds. */
  public static final String STEPS = "steps";

  private LearnMetrics() {}

  static void register(MetricGroup group, Collection<Shard> shards) {
    gauge(group, INTERACTIONS, shards, s -> s.progress().interactions);
    gauge(group, QUEUED_INTERACTIONS, shards, s -> s.progress().queuedEvents);
    gauge(group, QUEUED_ITEMS, shards, s -> s.progress().queuedItems);
    gauge(group, WAITING_INTERACTIONS, shards, s -> s.progress().waiting);
    gauge(group, DROPPED_INTERACTIONS, shards, s -> s.progress().waitingDropped);
    gauge(group, USERS, shards, s -> s.progress().users);
    gauge(group, STEPS_DONE, shards, s -> s.steps()[0]);
    gauge(group, STEPS, shards, s -> s.steps()[1]);
    // The same in every shard, or nearly.
    most(group, ITEMS, shards, s -> s.progress().items);
    most(group, ROUND, shards, s -> s.progress().round);
    most(group, VERSION, shards, s -> s.progress().version);
  }

  private static void gauge(
      MetricGroup group, String name, Collection<Shard> shards, ToLongFunction<Shard> value) {
    group.gauge(name, () -> shards.stream().mapToLong(value).sum());
  }

  private static void most(
      MetricGroup group, String name, Collection<Shard> shards, ToLongFunction<Shard> value) {
    group.gauge(name, () -> shards.stream().mapToLong(value).max().orElse(0));
  }
}
