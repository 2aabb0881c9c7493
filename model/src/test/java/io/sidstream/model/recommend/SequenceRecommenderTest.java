package io.sidstream.model.recommend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Rng;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.util.Random;
import org.junit.jupiter.api.Test;

public class SequenceRecommenderTest {
  private static final RecommenderShape SHAPE = new RecommenderShape(6, 2, 7, 2, 5, 0f);
  private static final int[] OFFSETS = {0, 3, 3, 4, 9};

  private static SequenceRecommender recommender(RecommenderShape shape) {
    SequenceRecommender r = new SequenceRecommender(shape, new Rng(5));
    // Larger weights than the initial ones, so that no gradient is lost in rounding.
    Random random = new Random(6);
    float[] p = r.parameters();
    for (int i = 0; i < p.length; i++) {
      p[i] += (float) (0.5 * random.nextGaussian());
    }
    return r;
  }

  private static float[] numbers(int n, long seed) {
    Random random = new Random(seed);
    float[] a = new float[n];
    for (int i = 0; i < n; i++) {
      a[i] = (float) random.nextGaussian();
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

  /** Hidden states of all sequences by the padded double reference. */
  private static double[] reference(double[] p, double[] s) {
    int d = SHAPE.dim();
    double[] h = new double[s.length];
    for (int q = 0; q + 1 < OFFSETS.length; q++) {
      int n = OFFSETS[q + 1] - OFFSETS[q];
      if (n == 0) {
        continue;
      }
      double[][] x = new double[n][d];
      for (int t = 0; t < n; t++) {
        System.arraycopy(s, (OFFSETS[q] + t) * d, x[t], 0, d);
      }
      double[][] y = PaddedReference.forward(SHAPE, p, x);
      for (int t = 0; t < n; t++) {
        System.arraycopy(y[t], 0, h, (OFFSETS[q] + t) * d, d);
      }
    }
    return h;
  }

  private static double weighted(double[] h, float[] w) {
    double sum = 0;
    for (int i = 0; i < h.length; i++) {
      sum += h[i] * w[i];
    }
    return sum;
  }

  @Test
  void packedEqualsPadded() {
    SequenceRecommender r = recommender(SHAPE);
    float[] s = numbers(9 * 6, 1);
    float[] h = r.forward(s, OFFSETS, 4);
    double[] expected = reference(doubles(r.parameters()), doubles(s));
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) h[i]).as("h[" + i + "]").isCloseTo(expected[i], within(2e-5));
    }
  }

  @Test
  void everyGradientAgreesWithFiniteDifferences() {
    SequenceRecommender r = recommender(SHAPE);
    float[] s = numbers(9 * 6, 1);
    float[] dh = numbers(9 * 6, 2);
    r.forward(s, OFFSETS, 4);
    float[] ds = r.backward(dh).clone();
    double[] p = doubles(r.parameters());
    double[] x = doubles(s);
    double step = 1e-5;
    for (int i = 0; i < p.length; i++) {
      double was = p[i];
      p[i] = was + step;
      double up = weighted(reference(p, x), dh);
      p[i] = was - step;
      double down = weighted(reference(p, x), dh);
      p[i] = was;
      double expected = (up - down) / (2 * step);
      assertThat((double) r.gradients()[i])
          .as("parameter " + i)
          .isCloseTo(expected, within(1e-4 * (1 + Math.abs(expected))));
    }
    for (int i = 0; i < x.length; i++) {
      double was = x[i];
      x[i] = was + step;
      double up = weighted(reference(p, x), dh);
      x[i] = was - step;
      double down = weighted(reference(p, x), dh);
      x[i] = was;
      double expected = (up - down) / (2 * step);
      assertThat((double) ds[i])
          .as("input " + i)
          .isCloseTo(expected, within(1e-4 * (1 + Math.abs(expected))));
    }
  }

  @Test
  void dropoutGradientIsThatOfTheSameMask() {
    RecommenderShape shape = new RecommenderShape(6, 2, 7, 2, 5, 0.4f);
    SequenceRecommender r = recommender(shape);
    float[] s = numbers(9 * 6, 1);
    float[] dh = numbers(9 * 6, 2);
    r.forwardTrain(s, OFFSETS, 4, 11, 3);
    r.backward(dh);
    float[] grads = r.gradients().clone();
    // A directional derivative along the gradient, by central differences of the float code itself.
    double norm = 0;
    for (float g : grads) {
      norm += (double) g * g;
    }
    float step = (float) (1e-2 / Math.sqrt(norm));
    double[] f = new double[2];
    for (int side = 0; side < 2; side++) {
      float sign = side == 0 ? 1 : -2;
      for (int i = 0; i < grads.length; i++) {
        r.parameters()[i] += sign * step * grads[i];
      }
      f[side] =
          weighted(doubles(java.util.Arrays.copyOf(r.forwardTrain(s, OFFSETS, 4, 11, 3), 54)), dh);
    }
    assertThat((f[0] - f[1]) / (2 * step)).isCloseTo(norm, within(0.02 * norm));
  }

  @Test
  void dropoutKeepsItsRateAndItsScale() {
    float[] x = new float[100_000];
    java.util.Arrays.fill(x, 1f);
    new Dropout(0.3f).apply(Dropout.key(1, 2, 3), x, x.length);
    int kept = 0;
    for (float v : x) {
      assertThat(v == 0f || v == 1f / 0.7f).isTrue();
      kept += v == 0f ? 0 : 1;
    }
    assertThat(kept).isBetween(69_000, 71_000);
  }

  @Test
  void learnsOnFromItsStateBitForBit() throws Exception {
    RecommenderShape shape = new RecommenderShape(6, 2, 7, 2, 5, 0.4f);
    SequenceRecommender a = recommender(shape);
    train(a, 0, 3);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    a.writeState(new DataOutputStream(bytes));
    SequenceRecommender b = new SequenceRecommender(shape, new Rng(77));
    b.readState(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    train(a, 3, 6);
    train(b, 3, 6);
    assertThat(b.parameters()).isEqualTo(a.parameters());
  }

  private static void train(SequenceRecommender r, int from, int to) {
    for (int step = from; step < to; step++) {
      r.forwardTrain(numbers(54, step), OFFSETS, 4, 9, step);
      r.backward(numbers(54, 100 + step));
      r.adamStep(1e-3f);
    }
  }

  @Test
  void anEmptyBatchIsNoError() {
    SequenceRecommender r = recommender(SHAPE);
    r.forward(new float[0], new int[] {0}, 0);
    r.backward(new float[0]);
    assertThat(r.gradients()).containsOnly(0f);
  }

  @Test
  void aSequenceThatIsTooLongIsNamed() {
    assertThatThrownBy(() -> recommender(SHAPE).forward(new float[60], new int[] {0, 3, 9}, 2))
        .hasMessage("sequence 1 has 6 items; it must have 0 to maxLen=5, so cut it");
  }

  @Test
  void shapesThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new RecommenderShape(7, 2, 4, 1, 5, 0f))
        .hasMessage("dim 7 cannot be divided into 2 heads; change one of them");
    assertThatThrownBy(() -> new RecommenderShape(8, 2, 4, 1, 5, 1f))
        .hasMessage("dropout is 1.0; it must be in [0, 1)");
  }
}
