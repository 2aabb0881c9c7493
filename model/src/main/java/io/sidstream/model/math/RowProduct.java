package io.sidstream.model.math;

import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * Y[rows, n] = X[rows, k] W[k, n] such that the bits of a row of Y depend on that row of X and on W
 * alone, never on how many rows are computed together or at which position.
 *
 * <p>A BLAS library takes different paths for different numbers of rows, and their sums may differ
 * in the last bit. So rows are computed in tiles of a few fixed heights, the last one padded, and
 * long sums are cut into pieces of {@value #PIECE} that no path cuts further. Which heights give
 * the same bits as the smallest is tried once per shape {@code [k, n]} on random data, and only
 * those are used. Thread-safe.
 */
public final class RowProduct {
  /**
   * Longest sum that is left to one call: OpenBLAS cuts longer ones at some heights and not at
   * others.
   */
  private static final int PIECE = 256;

  /**
   * Heights to use together: those of the first row whose tallest agrees with its smallest. Of
   * OpenBLAS' SkylakeX kernels all heights agree, and tiles of 4 take a path that needs no packing.
   * Of its Haswell kernels only 8 agrees with itself at every position.
   */
  private static final int[][] FAMILIES = {{256, 4}, {256, 64, 32, 16, 8}};

  private static final int SMALLEST_AT_MOST = 8;
  private static final int PROBES = 2;

  /** By n and k: the heights in use, tallest first. */
  private static final ConcurrentHashMap<Long, int[]> HEIGHTS = new ConcurrentHashMap<>();

  private RowProduct() {}

  /** Floats of scratch that {@link #apply} needs for a product of this shape. */
  public static int scratch(int n, int k) {
    return SMALLEST_AT_MOST * (n + k);
  }

  /**
   * Computes Y.
   *
   * @param x {@code [rows, k]} from xOff
   * @param w {@code [k, n]} from wOff
   * @param y {@code [rows, n]} from yOff, overwritten
   * @param scratch at least {@link #scratch} floats, used by this call alone
   */
  public static void apply(
      float[] x,
      int xOff,
      int rows,
      int k,
      float[] w,
      int wOff,
      int n,
      float[] y,
      int yOff,
      float[] scratch) {
    int[] heights = inUse(n, k);
    int row = 0;
    for (int height : heights) {
      while (rows - row >= height) {
        tile(height, x, xOff + row * k, k, w, wOff, n, y, yOff + row * n);
        row += height;
      }
    }
    int rest = rows - row;
    if (rest > 0) {
      int height = heights[heights.length - 1];
      int out = height * k;
      System.arraycopy(x, xOff + row * k, scratch, 0, rest * k);
      Arrays.fill(scratch, rest * k, out, 0f);
      tile(height, scratch, 0, k, w, wOff, n, scratch, out);
      System.arraycopy(scratch, out, y, yOff + row * n, rest * n);
    }
  }

  /** The heights in use for a shape, tallest first: for start-up logs and benchmarks. */
  public static int[] heights(int n, int k) {
    return inUse(n, k).clone();
  }

  private static int[] inUse(int n, int k) {
    Long shape = ((long) n << 32) | k;
    int[] heights = HEIGHTS.get(shape);
    return heights != null ? heights : HEIGHTS.computeIfAbsent(shape, ignored -> choose(n, k));
  }

  private static void tile(
      int height, float[] x, int xOff, int k, float[] w, int wOff, int n, float[] y, int yOff) {
    for (int from = 0; from < k; from += PIECE) {
      int length = Math.min(PIECE, k - from);
      float beta = from == 0 ? 0f : 1f;
      Blas.gemm(
          false,
          false,
          height,
          n,
          length,
          1f,
          x,
          xOff + from,
          k,
          w,
          wOff + from * n,
          n,
          beta,
          y,
          yOff,
          n);
    }
  }

  private static int[] choose(int n, int k) {
    int[] agreeing = new int[0];
    for (int[] family : FAMILIES) {
      agreeing = agreeing(family, n, k);
      if (agreeing.length > 1 && agreeing[0] == family[0]) {
        return agreeing;
      }
    }
    // Where even the positions within the smallest tile differ, rows go one by one, which cannot.
    return agreeing.length > 0 ? agreeing : new int[] {1};
  }

  /**
   * The heights that give every row the bits that it has alone in the smallest tile; none if the
   * smallest itself does not.
   */
  private static int[] agreeing(int[] heights, int n, int k) {
    int smallest = heights[heights.length - 1];
    int rows = heights[0];
    boolean[] agrees = new boolean[heights.length];
    Arrays.fill(agrees, true);
    for (int probe = 0; probe < PROBES; probe++) {
      Rng rng = new Rng(1000L * n + k + probe);
      float[] x = gaussian(rng, rows * k);
      float[] w = gaussian(rng, k * n);
      float[] expected = new float[rows * n];
      float[] alone = new float[smallest * k];
      float[] out = new float[smallest * n];
      for (int r = 0; r < rows; r++) {
        System.arraycopy(x, r * k, alone, 0, k);
        tile(smallest, alone, 0, k, w, 0, n, out, 0);
        System.arraycopy(out, 0, expected, r * n, n);
      }
      float[] y = new float[rows * n];
      for (int h = 0; h < heights.length; h++) {
        for (int r = 0; r < rows; r += heights[h]) {
          tile(heights[h], x, r * k, k, w, 0, n, y, r * n);
        }
        agrees[h] &= Arrays.equals(y, expected);
      }
    }
    if (!agrees[heights.length - 1]) {
      return new int[0];
    }
    return IntStream.range(0, heights.length).filter(h -> agrees[h]).map(h -> heights[h]).toArray();
  }

  private static float[] gaussian(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
