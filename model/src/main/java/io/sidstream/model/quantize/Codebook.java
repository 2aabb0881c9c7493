package io.sidstream.model.quantize;

import io.sidstream.model.math.Kernels;
import java.util.Objects;

/**
 * The codewords of one level, {@code [size, dim]} row-major, immutable; rows have unit norm at a
 * cosine level.
 */
public final class Codebook {
  /** Codes travel as 16-bit numbers. */
  public static final int MAX_SIZE = Short.MAX_VALUE;

  private static final float UNIT_NORM_TOLERANCE = 1e-3f;

  private final Metric metric;
  private final int size;
  private final int dim;
  final float[] codewords;
  final float[] transposed;
  final float[] squaredNorms;
  final float largestNorm;

  /**
   * Copies the codewords.
   *
   * @param codewords {@code [size, dim]}
   * @throws IllegalArgumentException for a wrong length, a value that is not finite, or a row that
   *     is not of unit norm at a cosine level
   */
  public Codebook(Metric metric, int size, int dim, float[] codewords) {
    this.metric = Objects.requireNonNull(metric, "metric");
    if (size < 1 || size > MAX_SIZE) {
      throw new IllegalArgumentException(
          "Codebook size is " + size + "; it must be in 1.." + MAX_SIZE);
    }
    if (dim < 1 || codewords.length != (long) size * dim) {
      throw new IllegalArgumentException(
          "Codebook of "
              + size
              + " x "
              + dim
              + " needs "
              + (long) size * dim
              + " values, not "
              + codewords.length);
    }
    this.size = size;
    this.dim = dim;
    this.codewords = codewords.clone();
    this.transposed = new float[size * dim];
    this.squaredNorms = new float[size];
    float largest = 0;
    for (int k = 0; k < size; k++) {
      for (int d = 0; d < dim; d++) {
        transposed[d * size + k] = codewords[k * dim + d];
      }
      squaredNorms[k] = Kernels.dot(codewords, k * dim, codewords, k * dim, dim);
      if (!Float.isFinite(squaredNorms[k])) {
        throw new IllegalArgumentException("Codeword " + k + " has a value that is not finite");
      }
      if (metric == Metric.COSINE && Math.abs(squaredNorms[k] - 1f) > UNIT_NORM_TOLERANCE) {
        throw new IllegalArgumentException(
            "Codeword "
                + k
                + " of a cosine level has squared norm "
                + squaredNorms[k]
                + "; normalise it to 1");
      }
      largest = Math.max(largest, squaredNorms[k]);
    }
    this.largestNorm = (float) Math.sqrt(largest);
  }

  /** How residuals find their codeword. */
  public Metric metric() {
    return metric;
  }

  /** Number of codewords, K. */
  public int size() {
    return size;
  }

  /** Dimension of a codeword, D. */
  public int dim() {
    return dim;
  }

  /** A copy of the codewords, {@code [size, dim]}. */
  public float[] codewords() {
    return codewords.clone();
  }

  /** to += codeword k, times the factor. */
  public void addTo(int k, float factor, float[] to, int off) {
    Kernels.axpy(factor, codewords, k * dim, to, off, dim);
  }
}
