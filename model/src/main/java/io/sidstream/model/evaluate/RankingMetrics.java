package io.sidstream.model.evaluate;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.NotFiniteException;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * HR@k, NDCG@k and MRR of a number of rankings with one relevant item each. A rank counts from 1;
 * ties count half, so it may be fractional: rank = 1 + (candidates scored higher) + (candidates
 * scored the same) / 2.
 */
public final class RankingMetrics {
  /** Cut-offs that are counted. */
  private static final int[] CUTS = {1, 5, 10, 20};

  /** Scores that are compared together. */
  static final int BLOCK = 1024;

  /** Its square makes more than 1 of any difference between two floats. */
  private static final float LARGE = 1e38f;

  private final double[] hits = new double[CUTS.length];
  private final double[] gains = new double[CUTS.length];
  private double reciprocal;
  private long count;

  /** Counts one ranking. */
  public void add(double rank) {
    count++;
    reciprocal += 1 / rank;
    for (int i = 0; i < CUTS.length; i++) {
      if (rank <= CUTS[i]) {
        hits[i]++;
        gains[i] += Math.log(2) / Math.log(1 + rank);
      }
    }
  }

  /**
   * What a candidate adds to the rank of the relevant item: 1 where it scores higher, half where it
   * scores the same.
   *
   * @throws NotFiniteException where a score is NaN, which would rank first
   */
  public static double beats(double other, double own) {
    if (other < own) {
      return 0;
    }
    if (Double.isNaN(other) || Double.isNaN(own)) {
      throw new NotFiniteException(
          "a score is NaN: the model's numbers are no longer finite; lower the learning rates, or raise a temperature that is near 0");
    }
    return other > own ? 1 : 0.5;
  }

  /**
   * The sum of {@link #beats(double, double)} of scores [off, off + n). Without branches, so that
   * it is vectorised; exact, as halves are added.
   *
   * @param block memory for {@value #BLOCK} numbers
   */
  static double beats(float[] scores, int off, int n, float own, float[] block) {
    double sum = 0;
    for (int from = 0; from < n; from += BLOCK) {
      int length = Math.min(BLOCK, n - from);
      int at = off + from;
      for (int j = 0; j < length; j++) {
        block[j] = Math.min(1f, Math.max(0f, 0.5f + (scores[at + j] - own) * LARGE * LARGE));
      }
      sum += Kernels.sum(block, 0, length);
    }
    if (Double.isNaN(sum)) {
      // One is NaN, which throws, or two are the same infinity.
      sum = 0;
      for (int j = off; j < off + n; j++) {
        sum += beats(scores[j], own);
      }
    }
    return sum;
  }

  /** Adds what another has counted. */
  public void add(RankingMetrics other) {
    count += other.count;
    reciprocal += other.reciprocal;
    for (int i = 0; i < CUTS.length; i++) {
      hits[i] += other.hits[i];
      gains[i] += other.gains[i];
    }
  }

  /** Writes counts and sums; {@link #read} gives the same bits back. */
  public void write(DataOutput out) throws IOException {
    out.writeLong(count);
    out.writeDouble(reciprocal);
    for (int i = 0; i < CUTS.length; i++) {
      out.writeDouble(hits[i]);
      out.writeDouble(gains[i]);
    }
  }

  /** What {@link #write} wrote. */
  public static RankingMetrics read(DataInput in) throws IOException {
    RankingMetrics read = new RankingMetrics();
    read.count = in.readLong();
    read.reciprocal = in.readDouble();
    for (int i = 0; i < CUTS.length; i++) {
      read.hits[i] = in.readDouble();
      read.gains[i] = in.readDouble();
    }
    return read;
  }

  /** Rankings counted. */
  public long count() {
    return count;
  }

  /** Share of rankings with the relevant item among the first k (1, 5, 10 or 20); 0 for none. */
  public double hr(int k) {
    return count == 0 ? 0 : hits[cut(k)] / count;
  }

  /** Mean of 1 / log2(1 + rank) where rank &lt;= k (1, 5, 10 or 20); 0 for none. */
  public double ndcg(int k) {
    return count == 0 ? 0 : gains[cut(k)] / count;
  }

  /** Mean of 1 / rank; 0 for none. */
  public double mrr() {
    return count == 0 ? 0 : reciprocal / count;
  }

  private static int cut(int k) {
    for (int i = 0; i < CUTS.length; i++) {
      if (CUTS[i] == k) {
        return i;
      }
    }
    throw new IllegalArgumentException("cut-off is " + k + "; 1, 5, 10 and 20 are counted");
  }

  @Override
  public String toString() {
    return String.format(
        java.util.Locale.ROOT,
        "n=%d HR@10=%.4f NDCG@10=%.4f MRR=%.4f",
        count,
        hr(10),
        ndcg(10),
        mrr());
  }
}
