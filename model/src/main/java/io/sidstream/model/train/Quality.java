package io.sidstream.model.train;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;

/**
 * What a tokenizer does with the known items.
 *
 * @param items known items
 * @param utilisation per level, share of the codewords that an item has, 0..1
 * @param perplexity per level, e to the entropy of the codes' distribution, 1..K
 * @param aloneInTuple share of items whose code tuple no other item has
 * @param distinctTuples code tuples in use over items
 * @param largestCollision items of the most frequent tuple
 * @param reconstruction mean over items of ‖g(z) − x‖² with the quantizer as it stands
 * @param oldItems items that have codes now
 * @param churn share of old items whose tuple would change
 * @param churnPerLevel per level, share of old items whose code would change
 * @param reseededItems per level, old items that leave, keep or come to a re-seeded codeword
 */
public record Quality(
    int items,
    double[] utilisation,
    double[] perplexity,
    double aloneInTuple,
    double distinctTuples,
    int largestCollision,
    double reconstruction,
    int oldItems,
    double churn,
    double[] churnPerLevel,
    long[] reseededItems) {

  /**
   * Counts codes.
   *
   * @param codes [n, sizes.length]
   * @param before the codes in use [n, sizes.length], -1 for none
   * @param sizes codewords of each level
   * @param reseeded per level, the codewords re-seeded since {@code before}
   */
  public static Quality of(
      int[] codes, int[] before, int n, int[] sizes, BitSet[] reseeded, double reconstruction) {
    int levels = sizes.length;
    double[] utilisation = new double[levels];
    double[] perplexity = new double[levels];
    double[] churnPerLevel = new double[levels];
    long[] reseededItems = new long[levels];
    int old = 0;
    int moved = 0;
    for (int i = 0; i < n; i++) {
      if (before[i * levels] >= 0) {
        old++;
        boolean any = false;
        for (int l = 0; l < levels; l++) {
          int code = codes[i * levels + l];
          int had = before[i * levels + l];
          boolean differs = code != had;
          reseededItems[l] += reseeded[l].get(code) || reseeded[l].get(had) ? 1 : 0;
          churnPerLevel[l] += differs ? 1 : 0;
          any |= differs;
        }
        moved += any ? 1 : 0;
      }
    }
    for (int l = 0; l < levels; l++) {
      int[] counts = new int[sizes[l]];
      for (int i = 0; i < n; i++) {
        counts[codes[i * levels + l]]++;
      }
      double entropy = 0;
      int used = 0;
      for (int c : counts) {
        if (c > 0) {
          used++;
          entropy -= (double) c / n * Math.log((double) c / n);
        }
      }
      utilisation[l] = (double) used / sizes[l];
      perplexity[l] = n == 0 ? 0 : Math.exp(entropy);
      churnPerLevel[l] = old == 0 ? 0 : churnPerLevel[l] / old;
    }
    Integer[] order = new Integer[n];
    Arrays.setAll(order, i -> i);
    Comparator<Integer> byTuple =
        (a, b) ->
            Arrays.compare(
                codes, a * levels, (a + 1) * levels, codes, b * levels, (b + 1) * levels);
    Arrays.sort(order, byTuple);
    int unique = 0;
    int distinct = 0;
    int largest = 0;
    for (int from = 0; from < n; ) {
      int to = from + 1;
      while (to < n && byTuple.compare(order[from], order[to]) == 0) {
        to++;
      }
      distinct++;
      unique += to - from == 1 ? 1 : 0;
      largest = Math.max(largest, to - from);
      from = to;
    }
    return new Quality(
        n,
        utilisation,
        perplexity,
        n == 0 ? 0 : (double) unique / n,
        n == 0 ? 0 : (double) distinct / n,
        largest,
        reconstruction,
        old,
        old == 0 ? 0 : (double) moved / old,
        churnPerLevel,
        reseededItems);
  }
}
