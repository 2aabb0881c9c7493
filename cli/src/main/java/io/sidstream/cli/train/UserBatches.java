package io.sidstream.cli.train;

import io.sidstream.model.math.Rng;
import java.util.Arrays;

/** The order in which an epoch takes users. */
public final class UserBatches {
  private UserBatches() {}

  /**
   * The users in an order that the seed and the epoch choose, in batches.
   *
   * @param size users of a batch; the last one has what is left
   */
  public static int[][] of(int[] users, int size, long seed, int epoch) {
    int[] order = users.clone();
    shuffle(order, new Rng(Rng.hash(seed, 1_000_003, epoch)));
    int[][] batches = new int[(order.length + size - 1) / size][];
    Arrays.setAll(
        batches, b -> Arrays.copyOfRange(order, b * size, Math.min(order.length, (b + 1) * size)));
    return batches;
  }

  /** Fisher and Yates. */
  public static void shuffle(int[] order, Rng rng) {
    for (int i = order.length - 1; i > 0; i--) {
      int j = rng.nextInt(i + 1);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
  }
}
