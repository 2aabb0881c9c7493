package io.sidstream.model.quantize;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.NotFiniteException;
import io.sidstream.model.math.RowProduct;
import java.util.Arrays;
import java.util.Objects;

/**
 * The codewords of one level, {@code [size, dim]} row-major, immutable; rows have unit norm at a
 * cosine level.
 */
public final class Codebook {
  /** Codes travel as 16-bit numbers. */
  public static final int MAX_SIZE = Short.MAX_VALUE;

  /** Codewords whose scores lie together, in an array of their own. */
  static final int PANEL = RowProduct.PANEL;

  private static final float UNIT_NORM_TOLERANCE = 1e-3f;

  private final Metric metric;
  private final int size;
  private final int dim;
  final float[] codewords;

  /** Inner products with {@value #PANEL} codewords each; the last panel is padded. */
  final RowProduct[] products;

  /**
   * What the scores of a panel begin with: -|c|^2 / 2 at a Euclidean level, 0 at a cosine one,
   * minus infinity where the panel is padded. Null where all are 0.
   */
  final float[][] start;

  final float largestNorm;

  /**
   * Copies the codewords.
   *
   * @param codewords {@code [size, dim]}
   * @throws IllegalArgumentException for a wrong length, or a row that is not of unit norm at a
   *     cosine level
   * @throws NotFiniteException for a value that is not finite
   */
  public Codebook(Metric metric, int size, int dim, float[] codewords) {
    this.metric = Objects.requireNonNull(metric, "metric");
    if (size < 1 || size > MAX_SIZE) {
      throw new IllegalArgumentException(
          "Codebook size is " + size + "; it must be in 1.." + MAX_SIZE);
    }
    if (dim < 1) {
      throw new IllegalArgumentException(
          "Codewords have " + dim + " dimensions (D); it must be 1 or more");
    }
    if (codewords.length != (long) size * dim) {
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
    int panels = (size + PANEL - 1) / PANEL;
    float[] transposed = new float[dim * PANEL];
    float[] begin = new float[PANEL];
    this.products = new RowProduct[panels];
    this.start = new float[panels][];
    float largest = 0;
    for (int k = 0; k < size; k++) {
      int column = k % PANEL;
      if (column == 0) {
        Arrays.fill(transposed, 0f);
        Arrays.fill(begin, Float.NEGATIVE_INFINITY);
      }
      for (int d = 0; d < dim; d++) {
        transposed[d * PANEL + column] = codewords[k * dim + d];
      }
      float squaredNorm = Kernels.dot(codewords, k * dim, codewords, k * dim, dim);
      if (!Float.isFinite(squaredNorm)) {
        throw new NotFiniteException("Codeword " + k + " has a value that is not finite");
      }
      if (metric == Metric.COSINE && Math.abs(squaredNorm - 1f) > UNIT_NORM_TOLERANCE) {
        throw new IllegalArgumentException(
            "Codeword "
                + k
                + " of a cosine level has squared norm "
                + squaredNorm
                + "; normalise it to 1");
      }
      largest = Math.max(largest, squaredNorm);
      begin[column] = metric == Metric.EUCLIDEAN ? -0.5f * squaredNorm : 0f;
      if (column == PANEL - 1 || k == size - 1) {
        products[k / PANEL] = new RowProduct(transposed, 0, dim, PANEL);
        boolean fromZero = metric == Metric.COSINE && column == PANEL - 1;
        start[k / PANEL] = fromZero ? null : begin.clone();
      }
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

  /** to = codeword k. */
  void copyTo(int k, float[] to, int off) {
    System.arraycopy(codewords, k * dim, to, off, dim);
  }
}
