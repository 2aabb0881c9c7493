package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;
import java.util.Arrays;

/**
 * The literature's split: of each user the last item is the test target, the one before it the
 * validation target, what precedes is learnt from. A user with fewer than three items has no
 * targets and is learnt from whole.
 */
public final class LeaveOneOutSplit {
  /** Per user everything. */
  public final int[][] all;

  /** Per user what is learnt from. */
  public final int[][] train;

  /** Validation: what precedes the target; empty where there is none. */
  public final int[][] validationHistories;

  /** Validation targets. */
  public final int[] validationTargets;

  /** Test: what precedes the target, the validation target included; empty where there is none. */
  public final int[][] testHistories;

  /** Test targets. */
  public final int[] testTargets;

  /** Interactions of each item in what is learnt from. */
  public final int[] popularity;

  /**
   * Splits.
   *
   * @param all per user the items, oldest first
   * @throws UsageException where no user has three items, or none has two left to learn from
   */
  public LeaveOneOutSplit(int[][] all, int items) {
    this.all = all;
    int n = all.length;
    train = new int[n][];
    validationHistories = new int[n][];
    validationTargets = new int[n];
    testHistories = new int[n][];
    testTargets = new int[n];
    popularity = new int[items];
    boolean any = false;
    boolean learns = false;
    for (int u = 0; u < n; u++) {
      int m = all[u].length;
      boolean targets = m >= 3;
      any |= targets;
      train[u] = targets ? Arrays.copyOf(all[u], m - 2) : all[u];
      validationHistories[u] = targets ? train[u] : new int[0];
      validationTargets[u] = targets ? all[u][m - 2] : 0;
      testHistories[u] = targets ? Arrays.copyOf(all[u], m - 1) : new int[0];
      testTargets[u] = targets ? all[u][m - 1] : 0;
      learns |= train[u].length >= 2;
      for (int item : train[u]) {
        popularity[item]++;
      }
    }
    if (!any) {
      throw new UsageException(
          "none of the "
              + n
              + " users of --data has three interactions: one to learn from, one to validate and one to test");
    }
    if (!learns) {
      throw new UsageException(
          "none of the "
              + n
              + " users of --data has two interactions left to learn from, as the last two of three or more are kept to validate and to test; give one with four or more");
    }
  }

  /** Which part of the catalogue an item is in, by interactions that are learnt from. */
  public enum Part {
    /** The fifth of the items with most. */
    HEAD,
    /** Between head and tail. */
    MIDDLE,
    /** The half of the items with least. */
    TAIL
  }

  /** The part of each item; among items with as many interactions the first come first. */
  public Part[] parts() {
    int n = popularity.length;
    Integer[] order = new Integer[n];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Integer.compare(popularity[b], popularity[a]));
    Part[] parts = new Part[n];
    for (int i = 0; i < n; i++) {
      parts[order[i]] = i < n / 5 ? Part.HEAD : i < n - n / 2 ? Part.MIDDLE : Part.TAIL;
    }
    return parts;
  }
}
