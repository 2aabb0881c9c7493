package io.sidstream.model.recommend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;
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
    double loss =
        new SampledSoftmax()
            .loss(h, ROWS, s, ITEMS, DIM, target, 0.7f, logQ, SampledSoftmax.Sample.ALL, dh, ds);
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

  /**
   * Candidates 0..5 stand for all targets, 6..11 are negatives; targets from 12 on stand beside.
   */
  @Test
  void softmaxOverASampleOfTheTargetsAndItsGradients() {
    int candidates = 12;
    SampledSoftmax.Sample sample = new SampledSoftmax.Sample(6, (float) Math.log(6.0 / 15));
    assertThat(Arrays.stream(target).anyMatch(t -> t < 6)).isTrue();
    assertThat(Arrays.stream(target).anyMatch(t -> t >= 6 && t < 12)).isTrue();
    assertThat(Arrays.stream(target).anyMatch(t -> t >= 12)).isTrue();
    for (float[] q : new float[][] {logQ, null}) {
      Arrays.fill(ds, 0f);
      double loss =
          new SampledSoftmax().loss(h, ROWS, s, candidates, DIM, target, 0.7f, q, sample, dh, ds);
      check(
          loss,
          (a, b) -> {
            double sum = 0;
            for (int r = 0; r < ROWS; r++) {
              int t = target[r];
              double own = score(a, r, b, t) / 0.7 - (q == null ? 0 : q[t]);
              double all = Math.exp(own);
              for (int j = 0; j < candidates; j++) {
                double weight = j < 6 ? 15.0 / 6 : 1;
                double other = score(a, r, b, j) / 0.7 - (q == null ? 0 : q[j]);
                all += j == t ? 0 : weight * Math.exp(other);
              }
              sum += Math.log(all) - own;
            }
            return sum / ROWS;
          });
    }
  }

  /** Of one row, e^loss times e^(its target's score) is the denominator. */
  @Test
  void theDenominatorsOfSamplesAreInTheMeanThatOfAllTargets() {
    int all = 14;
    int sampled = 5;
    double full =
        denominator(IntStream.range(0, ITEMS).toArray(), ITEMS, SampledSoftmax.Sample.ALL);
    SampledSoftmax.Sample sample =
        new SampledSoftmax.Sample(sampled, (float) Math.log((double) sampled / all));
    int draws = 4000;
    double sum = 0;
    for (int i = 0; i < draws; i++) {
      int[] targets = shuffled(all);
      int[] order = new int[ITEMS];
      System.arraycopy(targets, 0, order, 0, sampled);
      for (int j = all; j < ITEMS; j++) {
        order[sampled + j - all] = j;
      }
      System.arraycopy(targets, sampled, order, sampled + ITEMS - all, all - sampled);
      sum += denominator(order, sampled + ITEMS - all, sample);
    }
    assertThat(sum / draws).isCloseTo(full, within(0.03 * full));
  }

  private double denominator(int[] order, int candidates, SampledSoftmax.Sample sample) {
    float[] rows = new float[ITEMS * DIM];
    int own = -1;
    for (int i = 0; i < ITEMS; i++) {
      System.arraycopy(s, order[i] * DIM, rows, i * DIM, DIM);
      own = order[i] == 3 ? i : own;
    }
    double loss =
        new SampledSoftmax()
            .loss(h, 1, rows, candidates, DIM, new int[] {own}, 1f, null, sample, dh, ds);
    return Math.exp(loss + score(doubles(h), 0, doubles(s), 3));
  }

  private int[] shuffled(int n) {
    int[] a = IntStream.range(0, n).toArray();
    for (int i = n - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swap = a[i];
      a[i] = a[j];
      a[j] = swap;
    }
    return a;
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
