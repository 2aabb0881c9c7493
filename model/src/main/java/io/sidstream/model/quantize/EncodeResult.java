package io.sidstream.model.quantize;

import java.util.Arrays;

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
   * where a previous code was kept although another is nearer; 0 where there is no other.
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

  /** Working memory of encoder and quantizer, by slot; see {@link #scratch}. */
  private final float[][] scratch = new float[9][];

  private float[][] scores = new float[0][];

  /** A result without last-level distances: {@link #lastDistances(int)} is refused. */
  public EncodeResult() {
    this(false);
  }

  /**
   * A result.
   *
   * @param wantLastDistances whether to keep the distances of the last level
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
   * Working memory number {@code slot} (0..8) of at least {@code length} floats; its content is
   * undefined.
   */
  public float[] scratch(int slot, int length) {
    if (scratch[slot] == null || scratch[slot].length < length) {
      scratch[slot] = new float[length];
    }
    return scratch[slot];
  }

  /** Working memory of the quantizer: {@code count} arrays of at least {@code length} floats. */
  float[][] scores(int count, int length) {
    if (scores.length < count) {
      scores = Arrays.copyOf(scores, count);
    }
    for (int i = 0; i < count; i++) {
      if (scores[i] == null || scores[i].length < length) {
        scores[i] = new float[length];
      }
    }
    return scores;
  }

  /**
   * A copy of the row's {@link #lastDistances}, {@code [K]}.
   *
   * @throws IllegalStateException when the result was made without last-level distances
   */
  public float[] lastDistances(int row) {
    if (lastDistances == null) {
      throw new IllegalStateException(
          "No last-level distances: make the EncodeResult with wantLastDistances = true");
    }
    if (row < 0 || row >= n) {
      throw new IndexOutOfBoundsException("Row " + row + " of a batch of " + n);
    }
    return Arrays.copyOfRange(lastDistances, row * lastSize, (row + 1) * lastSize);
  }
}
