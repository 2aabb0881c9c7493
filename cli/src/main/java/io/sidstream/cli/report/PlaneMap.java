package io.sidstream.cli.report;

import io.sidstream.cli.status.CodebookSet;
import io.sidstream.cli.status.TopicState;
import io.sidstream.schemas.ItemToken;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * A plane that z is drawn on: its first two principal components over the items, found by power
 * iteration with deflation. Near on the plane need not be near in z; far on it is far.
 */
final class PlaneMap {
  private static final int ITERATIONS = 60;

  /** Enough to find two directions by. */
  private static final int SAMPLE = 5_000;

  private final CodebookSet books;
  private final double[] mean;
  private final double[][] axes;

  private PlaneMap(CodebookSet books, double[] mean, double[][] axes) {
    this.books = books;
    this.mean = mean;
    this.axes = axes;
  }

  /** The plane of a table; null where no row has codes of these codebooks. */
  static PlaneMap of(Collection<ItemToken> rows, CodebookSet books) {
    List<float[]> z = new ArrayList<>();
    int step = Math.max(1, rows.size() / SAMPLE);
    int i = 0;
    for (ItemToken row : rows) {
      int[] codes = TopicState.codes(row.getNearest());
      if (i++ % step == 0 && fits(codes, books)) {
        z.add(books.sum(codes));
      }
    }
    if (z.isEmpty()) {
      return null;
    }
    int dim = z.get(0).length;
    double[] mean = new double[dim];
    z.forEach(v -> add(mean, v, 1.0 / z.size()));
    double[][] axes = new double[2][];
    for (int a = 0; a < 2; a++) {
      axes[a] = axis(z, mean, axes, a);
    }
    return new PlaneMap(books, mean, axes);
  }

  private static boolean fits(int[] codes, CodebookSet books) {
    for (int l = 0; l < codes.length; l++) {
      if (l >= books.levels() || codes[l] >= books.size(l)) {
        return false;
      }
    }
    return true;
  }

  /** The direction of the greatest variance that is at right angles to the ones before. */
  private static double[] axis(List<float[]> z, double[] mean, double[][] before, int count) {
    double[] axis = new double[mean.length];
    for (int d = 0; d < axis.length; d++) {
      // Any start that is not at right angles to the answer; the same in every run.
      axis[d] = Math.sin(1 + d * 12.9898 + count);
    }
    for (int i = 0; i < ITERATIONS; i++) {
      double[] next = new double[axis.length];
      for (float[] v : z) {
        add(next, v, dot(axis, v, mean), mean);
      }
      for (int b = 0; b < count; b++) {
        double along = 0;
        for (int d = 0; d < next.length; d++) {
          along += next[d] * before[b][d];
        }
        for (int d = 0; d < next.length; d++) {
          next[d] -= along * before[b][d];
        }
      }
      double norm = Math.sqrt(java.util.Arrays.stream(next).map(x -> x * x).sum());
      if (norm < 1e-12) {
        break;
      }
      for (int d = 0; d < next.length; d++) {
        axis[d] = next[d] / norm;
      }
    }
    return axis;
  }

  private static void add(double[] to, float[] v, double scale) {
    for (int d = 0; d < to.length; d++) {
      to[d] += scale * v[d];
    }
  }

  private static void add(double[] to, float[] v, double scale, double[] mean) {
    for (int d = 0; d < to.length; d++) {
      to[d] += scale * (v[d] - mean[d]);
    }
  }

  private static double dot(double[] axis, float[] v, double[] mean) {
    double sum = 0;
    for (int d = 0; d < axis.length; d++) {
      sum += axis[d] * (v[d] - mean[d]);
    }
    return sum;
  }

  /** {@code [2]} where codes lie on the plane; null where they are of other codebooks. */
  float[] at(int[] codes) {
    if (!fits(codes, books)) {
      return null;
    }
    float[] z = books.sum(codes);
    return new float[] {(float) dot(axes[0], z, mean), (float) dot(axes[1], z, mean)};
  }
}
