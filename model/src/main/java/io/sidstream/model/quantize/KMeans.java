package io.sidstream.model.quantize;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import java.util.Arrays;
import java.util.List;

/**
 * Lloyd's k-means with k-means++ seeding (Arthur and Vassilvitskii, 2007); spherical at a cosine
 * level (points and centres of unit norm). The same points and the same generator state give the
 * same codebook.
 */
public final class KMeans {
  /** Iterations after which it stops if assignments still change. */
  public static final int MAX_ITERATIONS = 100;

  /**
   * Surplus codewords lie this far from the point they are made of, relative to the root mean
   * square of the coordinates.
   */
  private static final float JITTER = 0.01f;

  private KMeans() {}

  /**
   * A codebook.
   *
   * @param codebook the centres
   * @param counts {@code [size]} points of each
   * @param iterations iterations made
   */
  public record Fit(Codebook codebook, float[] counts, int iterations) {}

  /**
   * Fits a codebook to the rows of x. With fewer distinct points than codewords every point becomes
   * one, and the surplus codewords are points with a little noise.
   *
   * @param x {@code [n, dim]}, not changed
   * @param size number of codewords
   * @throws IllegalArgumentException when there is no point, or a value is not finite
   */
  public static Fit fit(
      Metric metric, float[] x, int n, int dim, int size, int maxIterations, Rng rng) {
    if (n < 1) {
      throw new IllegalArgumentException("k-means needs at least one point");
    }
    float[] points = Arrays.copyOf(x, n * dim);
    if (metric == Metric.COSINE) {
      Kernels.normaliseRows(points, 0, n, dim);
    }
    float[] centres = seed(metric, points, n, dim, size, rng);
    float[] counts = new float[size];
    int[] codes = new int[n];
    EncodeResult assigned = new EncodeResult();
    Arrays.fill(codes, -1);
    int iteration = 0;
    while (true) {
      Codebook book = new Codebook(metric, size, dim, centres);
      new ResidualQuantizer(List.of(book)).encode(points, n, assigned);
      boolean same = Arrays.equals(codes, 0, n, assigned.codes, 0, n);
      System.arraycopy(assigned.codes, 0, codes, 0, n);
      Arrays.fill(counts, 0f);
      for (int i = 0; i < n; i++) {
        counts[codes[i]]++;
      }
      if (same || iteration == maxIterations) {
        return new Fit(book, counts, iteration);
      }
      iteration++;
      moveToMeans(metric, points, n, dim, size, codes, counts, centres);
      refillEmpty(points, n, dim, size, counts, assigned.distances, centres, metric);
    }
  }

  private static void moveToMeans(
      Metric metric,
      float[] points,
      int n,
      int dim,
      int size,
      int[] codes,
      float[] counts,
      float[] centres) {
    float[] sums = new float[size * dim];
    Kernels.scatterAddRows(points, 0, dim, codes, n, sums, 0);
    for (int k = 0; k < size; k++) {
      if (counts[k] == 0f) {
        continue;
      }
      for (int d = 0; d < dim; d++) {
        sums[k * dim + d] /= counts[k];
      }
      if (metric == Metric.COSINE) {
        if (Kernels.norm(sums, k * dim, dim) < 1e-6f) {
          continue; // points that cancel out have no direction: the centre stays
        }
        Kernels.normaliseRows(sums, k * dim, 1, dim);
      }
      System.arraycopy(sums, k * dim, centres, k * dim, dim);
    }
  }

  /** Gives each empty cluster the point that is farthest from its own centre, each point once. */
  private static void refillEmpty(
      float[] points,
      int n,
      int dim,
      int size,
      float[] counts,
      float[] distances,
      float[] centres,
      Metric metric) {
    float[] left = null;
    for (int k = 0; k < size; k++) {
      if (counts[k] > 0f) {
        continue;
      }
      if (left == null) {
        left = Arrays.copyOf(distances, n);
      }
      int farthest = 0;
      for (int i = 1; i < n; i++) {
        if (left[i] > left[farthest]) {
          farthest = i;
        }
      }
      if (left[farthest] <= 1e-6f
          || (metric == Metric.COSINE && Kernels.norm(points, farthest * dim, dim) == 0f)) {
        return;
      }
      System.arraycopy(points, farthest * dim, centres, k * dim, dim);
      left[farthest] = 0f;
    }
  }

  private static float[] seed(Metric metric, float[] points, int n, int dim, int size, Rng rng) {
    float[] centres = new float[size * dim];
    float[] nearest = new float[n];
    Arrays.fill(nearest, Float.MAX_VALUE);
    float spread =
        JITTER * (float) Math.sqrt(Kernels.dot(points, 0, points, 0, n * dim) / ((float) n * dim));
    int chosen = rng.nextInt(n);
    for (int k = 0; k < size; k++) {
      if (chosen >= 0) {
        System.arraycopy(points, chosen * dim, centres, k * dim, dim);
      } else {
        int from = rng.nextInt(n);
        for (int d = 0; d < dim; d++) {
          centres[k * dim + d] = points[from * dim + d] + spread * rng.nextGaussian();
        }
      }
      if (metric == Metric.COSINE) {
        makeUnit(centres, k * dim, dim, rng);
      }
      double total = 0;
      for (int i = 0; i < n; i++) {
        nearest[i] =
            Math.min(nearest[i], Kernels.squaredDistance(points, i * dim, centres, k * dim, dim));
        total += nearest[i];
      }
      chosen = draw(nearest, n, total, rng);
    }
    return centres;
  }

  /**
   * A point with probability in proportion to its weight; -1 when all weights are next to nothing.
   */
  private static int draw(float[] weights, int n, double total, Rng rng) {
    if (total <= 1e-12 * n) {
      return -1;
    }
    double at = rng.nextDouble() * total;
    int last = -1;
    for (int i = 0; i < n; i++) {
      if (weights[i] > 0f) {
        last = i;
        at -= weights[i];
        if (at < 0) {
          return i;
        }
      }
    }
    return last;
  }

  /** Scales to unit norm; a zero vector, which has no direction, becomes a random one. */
  static void makeUnit(float[] v, int off, int dim, Rng rng) {
    while (!(Kernels.norm(v, off, dim) > 1e-12f)) {
      for (int d = 0; d < dim; d++) {
        v[off + d] = rng.nextGaussian();
      }
    }
    Kernels.normaliseRows(v, off, 1, dim);
  }
}
