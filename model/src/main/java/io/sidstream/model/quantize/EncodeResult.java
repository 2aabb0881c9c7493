package io.sidstream.model.quantize;

/**
 * What encoding a batch gives, and the working memory for it; grows to the largest batch and is
 * then reused without allocation. Owned by one thread. The arrays may be longer than the batch;
 * their content holds until the next call that is given this object.
 */
public final class EncodeResult {
  /** Rows of the last batch. */
  public int n;

  /** Levels of the quantizer. */
  public int levels;

  /** Dimension of z. */
  public int dim;

  /** {@code [n, levels]} the chosen codes. */
  public int[] codes = new int[0];

  /** {@code [n, dim]} sum of the chosen codewords. */
  public float[] z = new float[0];

  /** {@code [n, levels]} distance to the chosen codeword: 1 - cosine, or squared Euclidean. */
  public float[] distances = new float[0];

  /**
   * {@code [n, levels]} distance to the best other codeword minus that of the chosen one; negative
   * where a code was kept.
   */
  public float[] margins = new float[0];

  /**
   * {@code [n, K]} distances to all codewords of the last level, up to a term that is the same in a
   * row; null unless wanted.
   */
  public float[] lastDistances;

  /** Codewords of the last level. */
  public int lastSize;

  private final boolean wantLastDistances;

  /** Working memory of the encoder, by name of the owner; see {@link #scratch}. */
  private final float[][] scratch = new float[8][];

  /** A result without last-level distances: {@link #nearestFirst} is refused. */
  public EncodeResult() {
    this(false);
  }

  /**
   * A result.
   *
   * @param wantLastDistances whether to keep the distances that {@link #nearestFirst} needs
   */
  public EncodeResult(boolean wantLastDistances) {
    this.wantLastDistances = wantLastDistances;
  }

  /** Makes room for a batch; called by whoever encodes. */
  public void prepare(int rows, ResidualQuantizer quantizer) {
    n = rows;
    levels = quantizer.levels();
    dim = quantizer.dim();
    lastSize = quantizer.codebook(levels - 1).size();
    if (codes.length < rows * levels) {
      codes = new int[rows * levels];
      distances = new float[rows * levels];
      margins = new float[rows * levels];
    }
    if (z.length < rows * dim) {
      z = new float[rows * dim];
    }
    if (wantLastDistances && (lastDistances == null || lastDistances.length < rows * lastSize)) {
      lastDistances = new float[rows * lastSize];
    }
  }

  /**
   * Working memory number {@code slot} (0..7) of at least {@code length} floats; its content is
   * undefined.
   */
  public float[] scratch(int slot, int length) {
    if (scratch[slot] == null || scratch[slot].length < length) {
      scratch[slot] = new float[length];
    }
    return scratch[slot];
  }

  /**
   * The codes of the last level for a row, the chosen one first, the others by distance, ties to
   * the lowest index.
   *
   * @throws IllegalStateException when the result was made without last-level distances
   */
  public short[] nearestFirst(int row) {
    if (lastDistances == null) {
      throw new IllegalStateException(
          "No last-level distances: make the EncodeResult with wantLastDistances = true");
    }
    if (row < 0 || row >= n) {
      throw new IndexOutOfBoundsException("Row " + row + " of a batch of " + n);
    }
    int from = row * lastSize;
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (int k = 0; k < lastSize; k++) {
      least = Math.min(least, lastDistances[from + k]);
      most = Math.max(most, lastDistances[from + k]);
    }
    // A counting sort by even steps of distance leaves little to the insertion sort that makes the
    // order exact; together several times faster than sorting a few hundred numbers from nothing.
    float scale = most > least ? (lastSize - 1) / (most - least) : 0f;
    int[] starts = new int[lastSize + 1];
    int[] steps = new int[lastSize];
    for (int k = 0; k < lastSize; k++) {
      steps[k] = Math.min(lastSize - 1, (int) ((lastDistances[from + k] - least) * scale));
      starts[steps[k] + 1]++;
    }
    for (int b = 0; b < lastSize; b++) {
      starts[b + 1] += starts[b];
    }
    int chosen = codes[row * levels + levels - 1];
    long[] order = new long[lastSize];
    for (int k = 0; k < lastSize; k++) {
      // + 0f turns -0 into 0, so that both order alike.
      int bits = Float.floatToIntBits(lastDistances[from + k] + 0f);
      order[starts[steps[k]]++] =
          k == chosen
              ? Long.MIN_VALUE | chosen
              : (long) (bits ^ ((bits >> 31) & 0x7FFFFFFF)) << 32 | k;
    }
    for (int i = 1; i < lastSize; i++) {
      long key = order[i];
      int at = i;
      while (at > 0 && order[at - 1] > key) {
        order[at] = order[at - 1];
        at--;
      }
      order[at] = key;
    }
    short[] nearest = new short[lastSize];
    for (int k = 0; k < lastSize; k++) {
      nearest[k] = (short) order[k];
    }
    return nearest;
  }
}
