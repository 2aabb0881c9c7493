package io.sidstream.model.quantize;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Lloyd's k-means with k-means++ seeding (Arthur and Vassilvitskii, 2007); spherical at a cosine
 * level (points and centres of unit norm). A point of norm 0 has no direction there: it belongs to
 * the first centre, as in {@link ResidualQuantizer}, and none is made of it. The same points and
 * the same generator state give the same codebook.
 */
public final class KMeans {
  /** Iterations after which it stops if assignments still change. */
  public static final int MAX_ITERATIONS = 100;

  /**
   * Surplus codewords lie this far from the point they are made of, relative to the root mean
   * square of the coordinates.
   */
  private static final float JITTER = 0.01f;

  /**
   * Squared distance from its centre at which a point is the centre, relative to the points' mean
   * square.
   */
  private static final float SAME = 1e-6f;

  /** The same of the mean over all points, which are then all chosen. */
  private static final double ALL_SAME = 1e-12;

  private KMeans() {}

  /**
   * A codebook.
   *
   * @param codebook the centres
   * @param counts {@code [size]} points of each
   */
  public record Fit(Codebook codebook, float[] counts) {}

  /**
   * Fits a codebook to the rows of x. With fewer distinct points than codewords every point becomes
   * one, and the surplus codewords are points with a little noise, which are random directions
   * where all points of a cosine level are 0.
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
    float square = Kernels.dot(points, 0, points, 0, n * dim);
    BitSet candidates = candidates(metric, points, n, dim);
    float[] centres = seed(metric, points, n, dim, size, square, candidates, rng);
    float[] counts = new float[size];
    int[] codes = new int[n];
    EncodeResult assigned = new EncodeResult();
    Arrays.fill(codes, -1);
    int iteration = 0;
    while (true) {
      Codebook book = new Codebook(metric, size, dim, centres);
      new ResidualQuantizer(List.of(book)).encode(points, n, assigned);
      boolean settled = Arrays.equals(codes, 0, n, assigned.codes, 0, n);
      System.arraycopy(assigned.codes, 0, codes, 0, n);
      Arrays.fill(counts, 0f);
      for (int i = 0; i < n; i++) {
        counts[codes[i]]++;
      }
      if (settled || iteration == maxIterations) {
        return new Fit(book, counts);
      }
      iteration++;
      moveToMeans(metric, points, n, dim, size, codes, counts, centres);
      // Cosine distances are those of points of norm 1.
      float same = SAME * (metric == Metric.COSINE ? 1f : square / n);
      refillEmpty(points, n, dim, size, counts, assigned.distances, centres, candidates, same);
    }
  }

  /**
   * The points that a centre may be made of: all but those without a direction at a cosine level.
   */
  private static BitSet candidates(Metric metric, float[] points, int n, int dim) {
    BitSet candidates = new BitSet(n);
    for (int i = 0; i < n; i++) {
      candidates.set(i, metric != Metric.COSINE || Kernels.norm(points, i * dim, dim) > 0f);
    }
    return candidates;
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

  /**
   * Gives each empty cluster the candidate that is farthest from its own centre, each point once
   * and none that is no farther than {@code same}.
   */
  private static void refillEmpty(
      float[] points,
      int n,
      int dim,
      int size,
      float[] counts,
      float[] distances,
      float[] centres,
      BitSet candidates,
      float same) {
    float[] left = null;
    for (int k = 0; k < size; k++) {
      if (counts[k] > 0f) {
        continue;
      }
      if (left == null) {
        left = Arrays.copyOf(distances, n);
        for (int i = candidates.nextClearBit(0); i < n; i = candidates.nextClearBit(i + 1)) {
          left[i] = 0f;
        }
      }
      int farthest = 0;
      for (int i = 1; i < n; i++) {
        if (left[i] > left[farthest]) {
          farthest = i;
        }
      }
      if (left[farthest] <= same) {
        return;
      }
      System.arraycopy(points, farthest * dim, centres, k * dim, dim);
      left[farthest] = 0f;
    }
  }

  /**
   * Centres by k-means++.
   *
   * @param square the points' sum of squares
   * @param candidates the points that a centre may be made of
   */
  private static float[] seed(
      Metric metric,
      float[] points,
      int n,
      int dim,
      int size,
      float square,
      BitSet candidates,
      Rng rng) {
    float[] centres = new float[size * dim];
    float[] nearest = new float[n];
    candidates.stream().forEach(i -> nearest[i] = Float.MAX_VALUE);
    float spread = JITTER * (float) Math.sqrt(square / ((float) n * dim));
    double nothing = ALL_SAME * square;
    int chosen = uniform(candidates, n, rng);
    for (int k = 0; k < size; k++) {
      if (chosen >= 0) {
        System.arraycopy(points, chosen * dim, centres, k * dim, dim);
      } else {
        int from = uniform(candidates, n, rng);
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
      chosen = draw(nearest, n, total, nothing, rng);
    }
    return centres;
  }

  /** A candidate, each as likely; any point where there is none. */
  private static int uniform(BitSet candidates, int n, Rng rng) {
    int i = rng.nextInt(n);
    while (!candidates.get(i) && !candidates.isEmpty()) {
      i = rng.nextInt(n);
    }
    return i;
  }

  /**
   * A point with probability in proportion to its weight; -1 when their total is {@code nothing} or
   * less.
   */
  private static int draw(float[] weights, int n, double total, double nothing, Rng rng) {
    if (total <= nothing) {
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
