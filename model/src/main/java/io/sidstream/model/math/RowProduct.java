package io.sidstream.model.math;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * Y[rows, n] = X[rows, k] W[k, n] + beta Y for one W, such that the bits of a row of Y depend on
 * that row of X (and of Y) and on W alone, never on how many rows are computed together or at which
 * position.
 *
 * <p>A BLAS library takes different paths for different numbers of rows, and their sums may differ
 * in the last bit. So rows are computed in tiles of a few fixed heights, the last one padded, and
 * long sums are cut into pieces of {@value #PIECE} that no path cuts further. Which heights give
 * the same bits as the smallest is tried once per shape {@code [k, n]} on random data, and only
 * those are used. Both ways to begin are tried, adding to Y and overwriting it, as a library may
 * have kernels of their own for them.
 *
 * <p>W is copied once into panels of {@value #PANEL} columns, each contiguous. A tile of a panel is
 * small enough for the kernels that OpenBLAS has for small products, which pack nothing: such tiles
 * are faster than one large product, which would pack W again in every call. Immutable and
 * thread-safe.
 */
public final class RowProduct {
  /**
   * Longest sum that is left to one call: OpenBLAS cuts longer ones at some heights and not at
   * others. So long a piece of a panel fits the first-level cache.
   */
  private static final int PIECE = 128;

  /** Columns of a panel, the widest block of OpenBLAS' kernels for small products. */
  public static final int PANEL = 64;

  /**
   * Heights to use together: those of the first row whose tallest agrees with its smallest. Of
   * OpenBLAS' SkylakeX kernels all heights agree, and all of the first row take the path without
   * packing, which ends at a million multiplications, 122 rows of a panel and piece. Of its Haswell
   * kernels only 4 and 8 agree with themselves at every position: of twelve rows the first six and
   * the others are summed in different orders.
   */
  private static final int[][] FAMILIES = {{120, 64, 32, 16, 4}, {256, 64, 32, 16, 8}};

  private static final int SMALLEST_AT_MOST = 8;
  private static final int PROBES = 2;
  private static final float[] BETAS = {0f, 1f};

  /** By n and k: the heights in use, tallest first. */
  private static final ConcurrentHashMap<Long, int[]> HEIGHTS = new ConcurrentHashMap<>();

  private final int k;
  private final int n;
  private final float[] panels;

  /**
   * Copies W.
   *
   * @param w {@code [k, n]} from wOff
   */
  public RowProduct(float[] w, int wOff, int k, int n) {
    this.k = k;
    this.n = n;
    this.panels = new float[Math.multiplyExact(k, n)];
    for (int from = 0; from < n; from += PANEL) {
      int width = Math.min(PANEL, n - from);
      for (int row = 0; row < k; row++) {
        System.arraycopy(w, wOff + row * n + from, panels, from * k + row * width, width);
      }
    }
  }

  /** Floats of scratch that {@link #apply} needs for a product of this shape. */
  public static int scratch(int n, int k) {
    return SMALLEST_AT_MOST * (n + k);
  }

  /**
   * Computes Y.
   *
   * @param x {@code [rows, k]} from xOff
   * @param beta 0 to overwrite Y, 1 to add to it
   * @param y {@code [rows, n]} from yOff
   * @param scratch at least {@link #scratch} floats, used by this call alone
   */
  public void apply(
      float[] x, int xOff, int rows, float beta, float[] y, int yOff, float[] scratch) {
    int[] heights = inUse(n, k);
    int smallest = heights[heights.length - 1];
    int rest = rows % smallest;
    int whole = rows - rest;
    tiles(heights, x, xOff, whole, beta, y, yOff);
    if (rest > 0) {
      int out = smallest * k;
      System.arraycopy(x, xOff + whole * k, scratch, 0, rest * k);
      Arrays.fill(scratch, rest * k, out + smallest * n, 0f);
      if (beta != 0f) {
        System.arraycopy(y, yOff + whole * n, scratch, out, rest * n);
      }
      tiles(heights, scratch, 0, smallest, beta, scratch, out);
      System.arraycopy(scratch, out, y, yOff + whole * n, rest * n);
    }
  }

  private static int[] inUse(int n, int k) {
    Long shape = ((long) n << 32) | k;
    int[] heights = HEIGHTS.get(shape);
    return heights != null ? heights : HEIGHTS.computeIfAbsent(shape, ignored -> choose(n, k));
  }

  /** Y for a number of rows that is a multiple of the last height. */
  private void tiles(
      int[] heights, float[] x, int xOff, int rows, float beta, float[] y, int yOff) {
    // Once for all tiles, which are too small to be cut.
    Objects.checkFromIndexSize(xOff, Math.multiplyExact(rows, k), x.length);
    Objects.checkFromIndexSize(yOff, Math.multiplyExact(rows, n), y.length);
    for (int column = 0; column < n; column += PANEL) {
      int width = Math.min(PANEL, n - column);
      for (int from = 0; from < k; from += PIECE) {
        int length = Math.min(PIECE, k - from);
        int row = 0;
        for (int height : heights) {
          for (; rows - row >= height; row += height) {
            Blas.sgemm(
                false,
                false,
                height,
                width,
                length,
                1f,
                x,
                xOff + row * k + from,
                k,
                panels,
                column * k + from * width,
                width,
                from == 0 ? beta : 1f,
                y,
                yOff + row * n + column,
                n);
          }
        }
      }
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
   * The heights that give every row the bits that it has alone in the smallest tile, whether they
   * add to Y or overwrite it; none if the smallest itself does not.
   */
  private static int[] agreeing(int[] heights, int n, int k) {
    int smallest = heights[heights.length - 1];
    int rows = heights[0];
    boolean[] agrees = new boolean[heights.length];
    Arrays.fill(agrees, true);
    for (int probe = 0; probe < PROBES; probe++) {
      Rng rng = new Rng(1000L * n + k + probe);
      float[] x = gaussian(rng, rows * k);
      RowProduct product = new RowProduct(gaussian(rng, k * n), 0, k, n);
      float[] start = gaussian(rng, rows * n);
      for (float beta : BETAS) {
        product.compare(heights, x, start, beta, agrees);
      }
    }
    if (!agrees[heights.length - 1]) {
      return new int[0];
    }
    return IntStream.range(0, heights.length).filter(h -> agrees[h]).map(h -> heights[h]).toArray();
  }

  /** Clears what of {@code agrees} belongs to a height that gives a row other bits. */
  private void compare(int[] heights, float[] x, float[] start, float beta, boolean[] agrees) {
    int rows = heights[0];
    int smallest = heights[heights.length - 1];
    float[] expected = new float[rows * n];
    float[] alone = new float[smallest * k];
    float[] out = new float[smallest * n];
    for (int r = 0; r < rows; r++) {
      System.arraycopy(x, r * k, alone, 0, k);
      System.arraycopy(start, r * n, out, 0, n);
      tiles(new int[] {smallest}, alone, 0, smallest, beta, out, 0);
      System.arraycopy(out, 0, expected, r * n, n);
    }
    for (int h = 0; h < heights.length; h++) {
      float[] y = start.clone();
      int whole = rows - rows % heights[h];
      tiles(new int[] {heights[h]}, x, 0, whole, beta, y, 0);
      agrees[h] &= Arrays.equals(y, 0, whole * n, expected, 0, whole * n);
    }
  }

  private static float[] gaussian(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
