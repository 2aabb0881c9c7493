package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each kernel against plain loops in double precision, on awkward lengths. */
class KernelsTest {
  private static final int OFF = 3;

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1021})
  void sumsEqualTheScalarReference(int n) {
    float[] a = gaussian(1, n + OFF);
    float[] b = gaussian(2, n + OFF);
    double dot = 0;
    double sum = 0;
    double distance = 0;
    for (int i = 0; i < n; i++) {
      dot += (double) a[OFF + i] * b[i];
      sum += a[OFF + i];
      distance += ((double) a[OFF + i] - b[i]) * ((double) a[OFF + i] - b[i]);
    }
    assertThat((double) Kernels.dot(a, OFF, b, 0, n)).isCloseTo(dot, within(1e-4 * Math.sqrt(n)));
    assertThat((double) Kernels.sum(a, OFF, n)).isCloseTo(sum, within(1e-4 * Math.sqrt(n)));
    assertThat((double) Kernels.squaredDistance(a, OFF, b, 0, n))
        .isCloseTo(distance, within(1e-5 * distance));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1021})
  void biasReluAndTheirGradients(int cols) {
    int rows = 3;
    float[] x = gaussian(3, rows * cols);
    float[] bias = gaussian(4, cols);
    float[] plain = new float[rows * cols];
    Kernels.fillRows(bias, 0, rows, cols, plain, 0);
    Kernels.axpy(1f, x, 0, plain, 0, rows * cols);
    float[] y = plain.clone();
    Kernels.relu(y, 0, rows * cols);
    float[] dy = gaussian(5, rows * cols);
    float[] masked = dy.clone();
    Kernels.reluBackward(masked, y, rows * cols);
    float[] sums = new float[cols];
    Kernels.addColumnSums(masked, 0, rows, cols, sums, 0);
    for (int c = 0; c < cols; c++) {
      double sum = 0;
      for (int r = 0; r < rows; r++) {
        int i = r * cols + c;
        assertThat(plain[i]).isEqualTo(bias[c] + x[i]);
        assertThat(y[i]).isEqualTo(Math.max(0f, plain[i]));
        assertThat(masked[i]).isEqualTo(plain[i] > 0 ? dy[i] : 0f);
        sum += masked[i];
      }
      assertThat((double) sums[c]).isCloseTo(sum, within(1e-5));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 7, 1021})
  void layerNormAndItsGradients(int cols) {
    int rows = 2;
    float[] x = gaussian(6, rows * cols);
    float[] gamma = gaussian(7, cols);
    float[] beta = gaussian(8, cols);
    float[] dy = gaussian(9, rows * cols);
    float[] y = new float[rows * cols];
    float[] mean = new float[rows];
    float[] rstd = new float[rows];
    Kernels.layerNorm(x, 0, rows, cols, gamma, 0, beta, 0, 1e-5f, y, 0, mean, rstd);
    float[] dx = new float[rows * cols];
    float[] dgamma = new float[cols];
    float[] dbeta = new float[cols];
    Kernels.layerNormBackward(
        dy, 0, x, 0, rows, cols, gamma, 0, mean, rstd, dx, 0, dgamma, 0, dbeta, 0);
    for (int i = 0; i < rows * cols; i += Math.max(1, cols / 5)) {
      int at = i;
      double expected = slope(v -> layerNormLoss(x, gamma, beta, dy, rows, cols, 0, at, v), x[i]);
      assertThat((double) dx[i])
          .as("dx %d", i)
          .isCloseTo(expected, within(1e-3 * (1 + Math.abs(expected))));
    }
    for (int c = 0; c < cols; c += Math.max(1, cols / 5)) {
      int at = c;
      double forGamma =
          slope(v -> layerNormLoss(x, gamma, beta, dy, rows, cols, 1, at, v), gamma[c]);
      double forBeta = slope(v -> layerNormLoss(x, gamma, beta, dy, rows, cols, 2, at, v), beta[c]);
      assertThat((double) dgamma[c]).isCloseTo(forGamma, within(1e-3));
      assertThat((double) dbeta[c]).isCloseTo(forBeta, within(1e-3));
    }
  }

  /** sum(dy * layerNorm(x)) with element {@code at} of x, gamma or beta replaced. */
  private static double layerNormLoss(
      float[] x,
      float[] gamma,
      float[] beta,
      float[] dy,
      int rows,
      int cols,
      int which,
      int at,
      double value) {
    double loss = 0;
    for (int r = 0; r < rows; r++) {
      double[] row = new double[cols];
      double mean = 0;
      for (int c = 0; c < cols; c++) {
        row[c] = which == 0 && at == r * cols + c ? value : x[r * cols + c];
        mean += row[c] / cols;
      }
      double variance = 0;
      for (double v : row) {
        variance += (v - mean) * (v - mean) / cols;
      }
      for (int c = 0; c < cols; c++) {
        double g = which == 1 && at == c ? value : gamma[c];
        double b = which == 2 && at == c ? value : beta[c];
        loss += dy[r * cols + c] * ((row[c] - mean) / Math.sqrt(variance + 1e-5) * g + b);
      }
    }
    return loss;
  }

  @Test
  void expIsAccurateOverItsRange() {
    double worstExp = 0;
    for (int i = -60_000; i <= 60_000; i++) {
      float wide = i / 800f;
      worstExp = Math.max(worstExp, Math.abs(Kernels.exp(wide) / Math.exp(wide) - 1));
    }
    assertThat(worstExp).isLessThan(3e-7);
    assertThat(Kernels.exp(-1000f)).isZero();
    assertThat(Kernels.exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(Kernels.exp(1000f)).isFinite().isGreaterThan(1e38f);
    assertThat(Kernels.exp(Float.NaN)).isNaN();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1021})
  void softmaxAndItsLogarithm(int n) {
    float[] x = gaussian(12, n);
    if (n > 1) {
      x[n / 2] = Float.NEGATIVE_INFINITY;
    }
    double sum = 0;
    for (float v : x) {
      sum += Math.exp(v);
    }
    float[] p = x.clone();
    assertThat((double) Kernels.softmax(p, 0, n)).isCloseTo(Math.log(sum), within(1e-5));
    for (int i = 0; i < n; i++) {
      assertThat((double) p[i]).isCloseTo(Math.exp(x[i]) / sum, within(1e-6));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1021})
  void adamEqualsItsDefinitionOverSeveralSteps(int n) {
    float[] p = gaussian(14, n);
    float[] m = new float[n];
    float[] v = new float[n];
    double[] rp = new double[n];
    double[] rm = new double[n];
    double[] rv = new double[n];
    for (int i = 0; i < n; i++) {
      rp[i] = p[i];
    }
    for (int step = 1; step <= 5; step++) {
      float[] g = gaussian(20 + step, n);
      Kernels.adam(p, 0, g, 0, m, 0, v, 0, n, step, 1e-2f);
      for (int i = 0; i < n; i++) {
        rm[i] = 0.9 * rm[i] + 0.1 * g[i];
        rv[i] = 0.999 * rv[i] + 0.001 * g[i] * g[i];
        rp[i] -=
            1e-2
                * (rm[i] / (1 - Math.pow(0.9, step)))
                / (Math.sqrt(rv[i] / (1 - Math.pow(0.999, step))) + 1e-8);
      }
    }
    for (int i = 0; i < n; i++) {
      assertThat((double) p[i]).isCloseTo(rp[i], within(1e-5));
    }
  }

  /** A row of several tables, at a place of its own in each, that has taken steps before. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1021})
  void adamAtFourOffsetsEqualsItsDefinitionAndMovesNothingElse(int n) {
    int length = n + 20;
    float[] p = gaussian(30, length);
    float[] g = gaussian(31, length);
    float[] m = gaussian(32, length);
    float[] v = gaussian(33, length);
    for (int i = 0; i < length; i++) {
      v[i] *= v[i];
    }
    float[][] before = {p.clone(), g.clone(), m.clone(), v.clone()};
    int[] off = {2, 5, 11, 17};
    long step = 9;
    Kernels.adam(p, off[0], g, off[1], m, off[2], v, off[3], n, step, 1e-2f);
    for (int i = 0; i < n; i++) {
      double d = before[1][off[1] + i];
      double rm = 0.9 * before[2][off[2] + i] + 0.1 * d;
      double rv = 0.999 * before[3][off[3] + i] + 0.001 * d * d;
      double rp =
          before[0][off[0] + i]
              - 1e-2
                  * (rm / (1 - Math.pow(0.9, step)))
                  / (Math.sqrt(rv / (1 - Math.pow(0.999, step))) + 1e-8);
      assertThat((double) m[off[2] + i]).isCloseTo(rm, within(1e-5));
      assertThat((double) v[off[3] + i]).isCloseTo(rv, within(1e-5));
      assertThat((double) p[off[0] + i]).isCloseTo(rp, within(1e-5 * (1 + Math.abs(rp))));
    }
    float[][] after = {p, g, m, v};
    for (int a = 0; a < 4; a++) {
      for (int i = 0; i < length; i++) {
        if (a == 1 || i < off[a] || i >= off[a] + n) {
          assertThat(after[a][i]).as("array %d at %d", a, i).isEqualTo(before[a][i]);
        }
      }
    }
  }

  @Test
  void rowsAreScatteredAndGatheredWithRepeats() {
    float[] src = {1, 2, 3, 4, 5, 6};
    float[] dst = new float[6];
    Kernels.scatterAddRows(src, 0, 2, new int[] {2, 0, 2}, 3, dst, 0);
    assertThat(dst).containsExactly(3, 4, 0, 0, 6, 8);
    float[] back = new float[4];
    Kernels.gatherRows(dst, 0, 2, new int[] {2, 0}, 2, back, 0);
    assertThat(back).containsExactly(6, 8, 3, 4);
  }

  @Test
  void gatherColumnsTakesAPartOfEachRow() {
    float[] dst = new float[5];
    Kernels.gatherColumns(new float[] {1, 2, 3, 4, 5, 6}, 3, 1, 2, 2, dst);
    assertThat(dst).containsExactly(2, 3, 5, 6, 0);
  }

  @Test
  void aRowOfNormZeroStaysZero() {
    float[] x = {3, 4, 0, 0};
    Kernels.normaliseRows(x, 0, 2, 2);
    assertThat(x[0]).isCloseTo(0.6f, within(1e-6f));
    assertThat(x[1]).isCloseTo(0.8f, within(1e-6f));
    assertThat(x[2]).isZero();
    assertThat(x[3]).isZero();
  }

  private static double slope(DoubleUnaryOperator f, double at) {
    double h = 1e-5;
    return (f.applyAsDouble(at + h) - f.applyAsDouble(at - h)) / (2 * h);
  }

  private static float[] gaussian(long seed, int n) {
    Rng rng = new Rng(seed);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
