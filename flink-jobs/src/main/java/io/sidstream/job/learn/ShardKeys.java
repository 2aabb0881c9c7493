package io.sidstream.job.learn;

import io.sidstream.model.learn.LearnPlan;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/**
 * The keys of the shards, chosen so that their key groups are spread evenly over all there are: a
 * keyed operator with few keys would else leave some subtasks without any. They depend on the
 * number of shards and the greatest parallelism alone, so they stay when a job is rescaled.
 */
public final class ShardKeys {
  private ShardKeys() {}

  /**
   * Keys by shard.
   *
   * @throws IllegalArgumentException where there are more shards than key groups
   */
  public static int[] of(int shards, int maxParallelism) {
    if (shards > maxParallelism) {
      throw new IllegalArgumentException(
          shards + " shards need as many key groups; max-parallelism is " + maxParallelism);
    }
    int[] keys = new int[shards];
    int key = 0;
    for (int s = 0; s < shards; s++) {
      int group = (int) (((2L * s + 1) * maxParallelism) / (2L * shards));
      while (KeyGroupRangeAssignment.assignToKeyGroup(key, maxParallelism) != group) {
        key++;
      }
      keys[s] = key++;
    }
    return keys;
  }

  /** The key of the shard that learns from a user. */
  public static int of(String user, int[] keys) {
    return keys[LearnPlan.shard(user, keys.length)];
  }
}
