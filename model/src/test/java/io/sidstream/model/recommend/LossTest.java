package io.sidstream.model.recommend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.function.ToDoubleBiFunction;
import org.junit.jupiter.api.Test;

public class LossTest {
  private static final int ROWS = 150;
  private static final int DIM = 5;
  private static final int ITEMS = 21;
  private final Random random = new Random(3);
  private final float[] h = numbers(ROWS * DIM);
  private final float[] s = numbers(ITEMS * DIM);
  private final int[] target = indices();
  private final int[] negative = indices();
  private final float[] logQ = numbers(ITEMS);
  private final float[] dh = new float[ROWS * DIM];
  private final float[] ds = new float[ITEMS * DIM];

  @Test
  void sampledSoftmaxAndItsGradients() {
    double loss = new SampledSoftmax().loss(h, ROWS, s, ITEMS, DIM, target, 0.7f, logQ, dh, ds);
    check(
        loss,
        (a, b) -> {
          double sum = 0;
          for (int r = 0; r < ROWS; r++) {
            double all = 0;
            for (int j = 0; j < ITEMS; j++) {
              all += Math.exp(score(a, r, b, j) / 0.7 - logQ[j]);
            }
            sum += Math.log(all) - score(a, r, b, target[r]) / 0.7 + logQ[target[r]];
          }
          return sum / ROWS;
        });
  }

  @Test
  void binaryCrossEntropyAndItsGradients() {
    double loss = BinaryCrossEntropy.loss(h, ROWS, s, DIM, target, negative, dh, ds);
    check(
        loss,
        (a, b) -> {
          double sum = 0;
          for (int r = 0; r < ROWS; r++) {
            sum += Math.log(1 + Math.exp(-score(a, r, b, target[r])));
            sum += Math.log(1 + Math.exp(score(a, r, b, negative[r])));
          }
          return sum / ROWS;
        });
  }

  @Test
  void geluAgreesWithItsSeries() {
    float[] x = new float[1021];
    for (int i = 0; i < x.length; i++) {
      x[i] = -5.1f + i * 0.01f;
    }
    float[] y = new float[x.length];
    float[] slope = new float[x.length];
    Layers.gelu(x, y, slope, x.length);
    for (int i = 0; i < x.length; i++) {
      double phi = PaddedReference.phi(x[i]);
      double density = Math.exp(-0.5 * x[i] * x[i]) / Math.sqrt(2 * Math.PI);
      assertThat((double) y[i]).as("gelu(" + x[i] + ")").isCloseTo(x[i] * phi, within(2e-6));
      assertThat((double) slope[i])
          .as("slope " + x[i])
          .isCloseTo(phi + x[i] * density, within(3e-6));
    }
  }

  @Test
  void expIsExactEnoughWhereItMatters() {
    for (float x = 0f; x > -16f; x -= 0.001f) {
      assertThat(Layers.exp(x) / Math.exp(x)).as("e^" + x).isCloseTo(1.0, within(1e-5));
    }
    for (float x = -16f; x > -1e4f; x *= 1.3f) {
      assertThat(Layers.exp(x)).as("e^" + x).isBetween(0f, 1.2e-7f);
    }
  }

  private void check(double loss, ToDoubleBiFunction<double[], double[]> f) {
    double[] a = doubles(h);
    double[] b = doubles(s);
    assertThat(loss).isCloseTo(f.applyAsDouble(a, b), within(1e-5));
    for (int i = 0; i < a.length; i += 7) {
      assertThat((double) dh[i])
          .as("dh " + i)
          .isCloseTo(slope(a, i, () -> f.applyAsDouble(a, b)), within(1e-6));
    }
    for (int i = 0; i < b.length; i++) {
      assertThat((double) ds[i])
          .as("ds " + i)
          .isCloseTo(slope(b, i, () -> f.applyAsDouble(a, b)), within(1e-5));
    }
  }

  private static double slope(double[] x, int i, java.util.function.DoubleSupplier f) {
    double was = x[i];
    x[i] = was + 1e-5;
    double up = f.getAsDouble();
    x[i] = was - 1e-5;
    double down = f.getAsDouble();
    x[i] = was;
    return (up - down) / 2e-5;
  }

  private static double score(double[] h, int r, double[] s, int j) {
    double sum = 0;
    for (int i = 0; i < DIM; i++) {
      sum += h[r * DIM + i] * s[j * DIM + i];
    }
    return sum;
  }

  private float[] numbers(int n) {
    float[] a = new float[n];
    for (int i = 0; i < n; i++) {
      a[i] = (float) random.nextGaussian();
    }
    return a;
  }

  private int[] indices() {
    int[] a = new int[ROWS];
    for (int i = 0; i < ROWS; i++) {
      a[i] = random.nextInt(ITEMS);
    }
    return a;
  }

  private static double[] doubles(float[] a) {
    double[] b = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      b[i] = a[i];
    }
    return b;
  }
}
