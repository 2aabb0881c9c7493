package io.sidstream.model.math;

import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * Y[rows, n] = X[rows, k] W[k, n] such that the bits of a row of Y depend on that row of X and on W
 * alone, never on how many rows are computed together or at which position.
 *
 * <p>A BLAS library takes different paths for different numbers of rows, and their sums may differ
 * in the last bit. So rows are computed in tiles of a fixed height, the last one padded. Which
 * heights give the same bits as the smallest is tried once per shape {@code [k, n]} on random data;
 * only those are used. Thread-safe.
 */
public final class RowProduct {
  private static final int[] HEIGHTS = {256, 64, 32, 8};
  private static final int PROBES = 2;

  /** By k and n: the heights that agree bit for bit, tallest first. */
  private static final ConcurrentHashMap<Long, int[]> AGREEING = new ConcurrentHashMap<>();

  private RowProduct() {}

  /** Floats of scratch that {@link #apply} needs for a product of this shape. */
  public static int scratch(int n, int k) {
    return 8 * (n + k);
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
    int[] heights = AGREEING.get(key(n, k));
    if (heights == null) {
      heights = AGREEING.computeIfAbsent(key(n, k), ignored -> agreeing(n, k));
    }
    int row = 0;
    for (int height : heights) {
      while (rows - row >= height) {
        Blas.gemm(
            false,
            false,
            height,
            n,
            k,
            1f,
            x,
            xOff + row * k,
            k,
            w,
            wOff,
            n,
            0f,
            y,
            yOff + row * n,
            n);
        row += height;
      }
    }
    int rest = rows - row;
    if (rest > 0) {
      int height = heights[heights.length - 1];
      int out = height * k;
      System.arraycopy(x, xOff + row * k, scratch, 0, rest * k);
      Arrays.fill(scratch, rest * k, out, 0f);
      Blas.gemm(false, false, height, n, k, 1f, scratch, 0, k, w, wOff, n, 0f, scratch, out, n);
      System.arraycopy(scratch, out, y, yOff + row * n, rest * n);
    }
  }

  /** The heights in use for a shape, tallest first: for start-up logs and benchmarks. */
  public static int[] heights(int n, int k) {
    return AGREEING.computeIfAbsent(key(n, k), ignored -> agreeing(n, k)).clone();
  }

  private static long key(int n, int k) {
    return ((long) n << 32) | k;
  }

  private static int[] agreeing(int n, int k) {
    int tallest = HEIGHTS[0];
    boolean[] agrees = new boolean[HEIGHTS.length];
    Arrays.fill(agrees, true);
    for (int probe = 0; probe < PROBES; probe++) {
      Rng rng = new Rng(1000L * n + k + probe);
      float[] x = gaussian(rng, tallest * k);
      float[] w = gaussian(rng, k * n);
      float[] expected = new float[tallest * n];
      // The reference: every row alone at the first position of the smallest tile, the others zero.
      int smallest = HEIGHTS[HEIGHTS.length - 1];
      float[] tile = new float[smallest * k];
      float[] out = new float[smallest * n];
      for (int r = 0; r < tallest; r++) {
        System.arraycopy(x, r * k, tile, 0, k);
        Blas.gemm(false, false, smallest, n, k, 1f, tile, 0, k, w, 0, n, 0f, out, 0, n);
        System.arraycopy(out, 0, expected, r * n, n);
      }
      float[] y = new float[tallest * n];
      for (int h = 0; h < HEIGHTS.length; h++) {
        for (int r = 0; r < tallest; r += HEIGHTS[h]) {
          Blas.gemm(false, false, HEIGHTS[h], n, k, 1f, x, r * k, k, w, 0, n, 0f, y, r * n, n);
        }
        agrees[h] &= Arrays.equals(y, expected);
      }
    }
    int[] heights =
        IntStream.range(0, HEIGHTS.length).filter(h -> agrees[h]).map(h -> HEIGHTS[h]).toArray();
    // Where even the positions within the smallest tile differ, rows go one by one, which cannot.
    return heights.length > 0 && agrees[HEIGHTS.length - 1] ? heights : new int[] {1};
  }

  private static float[] gaussian(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
