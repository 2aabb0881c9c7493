package io.sidstream.model.learn;

import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Finds the least tolerance under which few enough items change a code. The encoder's output does
 * not depend on the tolerance, so it is given once; what is left for each tolerance that is tried
 * is to quantize it. Its codes are those of {@code TokenizerModel.encode} with that tolerance, bit
 * for bit. Not thread-safe.
 */
final class ChurnSearch {
  /** Share of the churn budget that is searched for: some items change while a round is judged. */
  static final double AIMED = .9;

  /** Where the search starts, at every level: .1 of cosine, 10 % of squared distance. */
  static final float BASE = .1f;

  /** Greatest multiple of {@link #BASE}: twice the cosine's whole range. */
  static final float MOST = 40f;

  /** The tolerance is found to this part of it. */
  private static final float PRECISION = 1f / 16;

  private static final int CHUNK = 1024;

  private final ResidualQuantizer quantizer;
  private final float[] f;
  private final int[] codes;
  private final int n;
  private final BitSet old;
  private final EncodeResult encoded = new EncodeResult();
  private float[] chunk = {};
  private int[] before = {};

  /**
   * A search.
   *
   * @param f the encoder's output for n items [n, D_2]
   * @param codes their codes in use [n, L], none of them -1
   * @param old which of the n are older than the version in use: in a small sample the share of
   *     them that changes can be far from that of all, so both are kept within the budget
   */
  ChurnSearch(ResidualQuantizer quantizer, float[] f, int n, int[] codes, BitSet old) {
    this.quantizer = quantizer;
    this.f = f;
    this.n = n;
    this.codes = codes;
    this.old = old;
  }

  /**
   * The least tolerance within the budget, to within 1/16 of it: none, or {@value #BASE} times a
   * factor found by doubling and bisection. The greatest where none keeps the budget.
   *
   * @param budget share of items that may change
   */
  float[] within(double budget) {
    if (!exceeds(0f, budget)) {
      return tolerance(0f);
    }
    float low = 0f;
    float high = 1f;
    while (high < MOST && exceeds(high, budget)) {
      low = high;
      high = Math.min(2 * high, MOST);
    }
    while (high - low > high * PRECISION) {
      float middle = (low + high) / 2;
      if (exceeds(middle, budget)) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return tolerance(high);
  }

  private float[] tolerance(float factor) {
    float[] tolerance = new float[quantizer.levels()];
    Arrays.fill(tolerance, factor * BASE);
    return tolerance;
  }

  private boolean exceeds(float factor, double budget) {
    return churn(tolerance(factor), budget) > budget;
  }

  /** The greater share that changes a code: of all, or of the old. */
  double churn(float[] tolerance) {
    return churn(tolerance, Double.POSITIVE_INFINITY);
  }

  /** As {@link #churn(float[])}; but what is beyond {@code enough} may be less than the whole. */
  private double churn(float[] tolerance, double enough) {
    int levels = quantizer.levels();
    int dim = quantizer.dim();
    int ofOld = old.get(0, n).cardinality();
    int changed = 0;
    int oldChanged = 0;
    double churn = 0;
    for (int from = 0; from < n && churn <= enough; from += CHUNK) {
      int m = Math.min(CHUNK, n - from);
      chunk = copy(f, from * dim, m * dim, chunk);
      before = copy(codes, from * levels, m * levels, before);
      quantizer.encode(chunk, m, before, tolerance, encoded);
      for (int i = 0; i < m; i++) {
        int at = i * levels;
        if (!Arrays.equals(before, at, at + levels, encoded.codes, at, at + levels)) {
          changed++;
          oldChanged += old.get(from + i) ? 1 : 0;
        }
      }
      churn = Math.max((double) changed / n, ofOld == 0 ? 0 : (double) oldChanged / ofOld);
    }
    return churn;
  }

  private static float[] copy(float[] from, int at, int n, float[] to) {
    float[] room = to.length >= n ? to : new float[n];
    System.arraycopy(from, at, room, 0, n);
    return room;
  }

  private static int[] copy(int[] from, int at, int n, int[] to) {
    int[] room = to.length >= n ? to : new int[n];
    System.arraycopy(from, at, room, 0, n);
    return room;
  }
}
