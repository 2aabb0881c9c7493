package io.sidstream.model.learn;

import io.sidstream.model.train.ItemTable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * What a sample of items allows at best. Items of the same content have the same tuple, whatever
 * the quantizer does.
 *
 * @param items items of the sample
 * @param contents different content vectors among them, D
 * @param utilisation share of a level's codewords that can be in use: D / K, at most 1
 * @param alone share of items that can be alone in their tuple: those whose content no other has,
 *     times e^(-(D - 1) / K^L), which is the share of D contents that meet no other where each
 *     falls on any of the K^L tuples
 * @param spread mean of ‖x − mean‖²: the reconstruction error of knowing nothing of an item
 */
public record Possible(int items, int contents, double utilisation, double alone, double spread) {

  /**
   * Measures the rows of a table.
   *
   * @param rows known rows, distinct
   * @param codewords K
   */
  static Possible of(ItemTable items, int[] rows, int codewords, int levels) {
    Map<Content, Integer> contents = new HashMap<>();
    for (int row : rows) {
      contents.merge(new Content(items, row), 1, Integer::sum);
    }
    int n = rows.length;
    int distinct = contents.size();
    long single = contents.values().stream().filter(count -> count == 1).count();
    double tuples = StrictMath.pow(codewords, levels);
    double unmet = StrictMath.exp(-Math.max(0, distinct - 1) / tuples);
    return new Possible(
        n,
        distinct,
        Math.min(1, (double) distinct / codewords),
        n == 0 ? 0 : (double) single / n * unmet,
        spread(items, rows));
  }

  private static double spread(ItemTable items, int[] rows) {
    int d = items.contentDim();
    double[] sum = new double[d];
    double square = 0;
    for (int row : rows) {
      for (int i = 0; i < d; i++) {
        double x = items.content()[row * d + i];
        sum[i] += x;
        square += x * x;
      }
    }
    int n = Math.max(1, rows.length);
    double ofMean = 0;
    for (double s : sum) {
      ofMean += s / n * (s / n);
    }
    return Math.max(0, square / n - ofMean);
  }

  /** A content vector as a key: equal where all its numbers are. */
  private static final class Content {
    private final float[] all;
    private final int from;
    private final int to;
    private final int hash;

    Content(ItemTable items, int row) {
      all = items.content();
      from = row * items.contentDim();
      to = from + items.contentDim();
      int h = 1;
      for (int i = from; i < to; i++) {
        h = 31 * h + Float.floatToIntBits(all[i]);
      }
      hash = h;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Content c && Arrays.equals(all, from, to, c.all, c.from, c.to);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }
}
