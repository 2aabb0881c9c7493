package io.sidstream.model.quantize;

import io.sidstream.model.file.Floats;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * A codebook that learns by exponential moving averages (van den Oord et al., arXiv 1711.00937,
 * appendix A.1): per codeword a moving count N and a moving sum m of its residuals (normalised at a
 * cosine level), both {@code decay * old + (1 - decay) * batch}; the codeword is m over the
 * Laplace-smoothed count, re-normalised at a cosine level. A codeword whose count falls under
 * {@value #DEAD_BELOW} (or under a quarter of the mean count, where batches are so small that this
 * is less) is re-seeded with a residual of the batch. Mutable, not thread-safe.
 */
public final class CodebookLearner {
  /** Moving count under which a codeword is dead: the authors' {@code threshold_ema_dead_code}. */
  public static final float DEAD_BELOW = 2f;

  private static final float LAPLACE = 1e-5f;

  /** Length of a mean of unit vectors under which it points nowhere. */
  private static final float NO_DIRECTION = 1e-6f;

  private final Metric metric;
  private final int size;
  private final int dim;
  private final float[] counts;
  private final float[] sums;
  private final float[] codewords;
  private final float[] batchCounts;
  private final float[] batchSums;
  private final float[] unit;
  private Codebook snapshot;

  /**
   * A learner that goes on from a codebook.
   *
   * @param initialCounts {@code [size]} the counts to start from, for example those of {@link
   *     KMeans.Fit}
   */
  public CodebookLearner(Codebook codebook, float[] initialCounts) {
    this.metric = codebook.metric();
    this.size = codebook.size();
    this.dim = codebook.dim();
    if (initialCounts.length != size) {
      throw new IllegalArgumentException(
          "Counts of " + initialCounts.length + " for " + size + " codewords");
    }
    this.counts = initialCounts.clone();
    this.codewords = codebook.codewords();
    this.sums = codebook.codewords();
    for (int k = 0; k < size; k++) {
      Kernels.scale(counts[k], sums, k * dim, dim);
    }
    this.batchCounts = new float[size];
    this.batchSums = new float[size * dim];
    this.unit = new float[dim];
    this.snapshot = codebook;
  }

  /**
   * A learner that goes on from what another had learned, bit for bit.
   *
   * @param averages copied
   */
  public CodebookLearner(Metric metric, int size, int dim, CodebookAverages averages) {
    this(new Codebook(metric, size, dim, averages.codewords()), averages.counts());
    if (averages.sums().length != sums.length) {
      throw new IllegalArgumentException(
          "Sums of " + averages.sums().length + " for " + size + " codewords of " + dim);
    }
    System.arraycopy(averages.sums(), 0, sums, 0, sums.length);
  }

  /** What it has learned so far. A copy. */
  public CodebookAverages averages() {
    return new CodebookAverages(counts.clone(), sums.clone(), codewords.clone());
  }

  /** The codebook as of the last update; later updates do not change it. */
  public Codebook codebook() {
    if (snapshot == null) {
      snapshot = new Codebook(metric, size, dim, codewords);
    }
    return snapshot;
  }

  /** The moving count of a codeword. */
  float count(int k) {
    return counts[k];
  }

  /**
   * Learns from a batch in which each item occurs once.
   *
   * @param r {@code [n, dim]} residuals that came into the level, not normalised
   * @param codes the chosen code of row i at {@code codeOff + i * codeStride}
   * @param decay of the moving averages, in [0, 1); 1 learns nothing
   * @param rng draws the residuals that replace dead codewords
   * @return the codewords that were re-seeded
   */
  public BitSet update(
      float[] r, int rOff, int n, int[] codes, int codeOff, int codeStride, float decay, Rng rng) {
    if (!(decay >= 0f && decay <= 1f)) {
      throw new IllegalArgumentException("Codebook decay is " + decay + "; it must be in 0..1");
    }
    BitSet reseeded = new BitSet(size);
    if (n == 0 || decay == 1f) {
      return reseeded;
    }
    Arrays.fill(batchCounts, 0f);
    Arrays.fill(batchSums, 0f);
    for (int i = 0; i < n; i++) {
      int k = codes[codeOff + i * codeStride];
      batchCounts[k]++;
      Kernels.axpy(weight(r, rOff + i * dim), r, rOff + i * dim, batchSums, k * dim, dim);
    }
    float rest = 1f - decay;
    Kernels.scale(decay, counts, 0, size);
    Kernels.axpy(rest, batchCounts, 0, counts, 0, size);
    Kernels.scale(decay, sums, 0, sums.length);
    Kernels.axpy(rest, batchSums, 0, sums, 0, sums.length);

    float total = Kernels.sum(counts, 0, size);
    float dead = Math.min(DEAD_BELOW, total / (4f * size));
    for (int k = 0; k < size; k++) {
      if (counts[k] < dead) {
        reseed(k, r, rOff, n, dead, rng);
        reseeded.set(k);
        continue;
      }
      place(metric, k, total, counts, sums, codewords, unit);
    }
    snapshot = null;
    return reseeded;
  }

  /** Sets codeword k to its moving sum over its smoothed count. */
  private static void place(
      Metric metric,
      int k,
      float total,
      float[] counts,
      float[] sums,
      float[] codewords,
      float[] unit) {
    int size = counts.length;
    int dim = unit.length;
    float smoothed = (counts[k] + LAPLACE) / (total + size * LAPLACE) * total;
    System.arraycopy(sums, k * dim, unit, 0, dim);
    Kernels.scale(1f / smoothed, unit, 0, dim);
    if (metric == Metric.COSINE) {
      float norm = Kernels.norm(unit, 0, dim);
      if (norm < NO_DIRECTION) {
        return; // residuals that cancel out have no direction: the codeword stays
      }
      Kernels.scale(1f / norm, unit, 0, dim);
    }
    System.arraycopy(unit, 0, codewords, k * dim, dim);
  }

  /**
   * Sets codewords to what an update would make of their averages, in place: where the averages are
   * not those of one learner, but the mean of several.
   *
   * @param except codewords that stay as they are
   */
  public static void placeCodewords(Metric metric, CodebookAverages averages, BitSet except) {
    int size = averages.counts().length;
    float[] unit = new float[averages.codewords().length / size];
    float total = Kernels.sum(averages.counts(), 0, size);
    for (int k = except.nextClearBit(0); k < size; k = except.nextClearBit(k + 1)) {
      place(metric, k, total, averages.counts(), averages.sums(), averages.codewords(), unit);
    }
  }

  private float weight(float[] r, int off) {
    if (metric == Metric.EUCLIDEAN) {
      return 1f;
    }
    float norm = Kernels.norm(r, off, dim);
    return norm > 0f ? 1f / norm : 0f;
  }

  private void reseed(int k, float[] r, int rOff, int n, float count, Rng rng) {
    System.arraycopy(r, rOff + rng.nextInt(n) * dim, codewords, k * dim, dim);
    if (metric == Metric.COSINE) {
      KMeans.makeUnit(codewords, k * dim, dim, rng);
    }
    counts[k] = count;
    System.arraycopy(codewords, k * dim, sums, k * dim, dim);
    Kernels.scale(count, sums, k * dim, dim);
  }

  /** Writes the whole state; {@link #readState} goes on from it bit for bit. */
  public void writeState(DataOutput out) throws IOException {
    out.writeUTF(metric.name());
    out.writeInt(size);
    out.writeInt(dim);
    for (float[] array : new float[][] {counts, sums, codewords}) {
      Floats.write(out, array, array.length);
    }
  }

  /** A learner as it was written. */
  public static CodebookLearner readState(DataInput in) throws IOException {
    Metric metric = Metric.valueOf(in.readUTF());
    int size = in.readInt();
    int dim = in.readInt();
    float[] counts = Floats.read(in, size);
    float[] sums = Floats.read(in, size * dim);
    float[] codewords = Floats.read(in, size * dim);
    return new CodebookLearner(metric, size, dim, new CodebookAverages(counts, sums, codewords));
  }
}
