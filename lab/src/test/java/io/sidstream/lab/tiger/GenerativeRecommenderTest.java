package io.sidstream.lab.tiger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Rng;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GenerativeRecommenderTest {
  private static final GeneratorShape SHAPE =
      new GeneratorShape(List.of(4, 3, 2), 6, 2, 7, 2, 3, 0f);

  /** Histories of 2, 1 and 3 items. */
  private static final int[] CODES = {0, 1, 0, 3, 2, 1, 1, 1, 1, 2, 0, 0, 0, 1, 0, 3, 0, 1};

  private static final int[] OFFSETS = {0, 2, 3, 6};
  private static final int[] TARGETS = {1, 2, 1, 3, 0, 0, 0, 1, 1};

  static GenerativeRecommender recommender(GeneratorShape shape) {
    GenerativeRecommender r = new GenerativeRecommender(shape, new Rng(5));
    // Larger weights than the initial ones, so that no gradient is lost in rounding.
    Rng rng = new Rng(6);
    float[] p = r.parameters();
    for (int i = 0; i < p.length; i++) {
      p[i] += 0.4f * rng.nextGaussian();
    }
    return r;
  }

  private static double loss(double[] p) {
    double sum = 0;
    for (int b = 0; b < 3; b++) {
      int[] history = Arrays.copyOfRange(CODES, 3 * OFFSETS[b], 3 * OFFSETS[b + 1]);
      int[] target = Arrays.copyOfRange(TARGETS, 3 * b, 3 * b + 3);
      for (double log : GenerativeReference.logProbabilities(SHAPE, p, history, target)) {
        sum -= log / 9;
      }
    }
    return sum;
  }

  @Test
  void lossAndEveryGradientAgreeWithFiniteDifferences() {
    GenerativeRecommender r = recommender(SHAPE);
    double[] p = GenerativeReference.doubles(r.parameters());
    double loss = r.learn(CODES, OFFSETS, 3, TARGETS, 1, 0);
    assertThat(loss).isCloseTo(loss(p), within(1e-5));
    double step = 1e-5;
    int zero = 0;
    for (int i = 0; i < p.length; i++) {
      double was = p[i];
      p[i] = was + step;
      double up = loss(p);
      p[i] = was - step;
      double down = loss(p);
      p[i] = was;
      double expected = (up - down) / (2 * step);
      zero += Math.abs(expected) < 1e-8 ? 1 : 0;
      assertThat((double) r.gradients()[i])
          .as("parameter " + i)
          .isCloseTo(expected, within(1e-4 * (1 + Math.abs(expected))));
    }
    // Only positions and tokens that nothing uses, and the key biases, have none.
    assertThat(zero).isLessThan(p.length / 10);
  }

  @Test
  void dropoutGradientIsThatOfTheSameMask() {
    GeneratorShape shape = new GeneratorShape(List.of(4, 3, 2), 6, 2, 7, 2, 3, 0.3f);
    GenerativeRecommender r = recommender(shape);
    double kept = r.learn(CODES, OFFSETS, 3, TARGETS, 11, 3);
    float[] grads = r.gradients().clone();
    double norm = 0;
    for (float g : grads) {
      norm += (double) g * g;
    }
    // A directional derivative along the gradient, by central differences of the float code itself.
    float step = (float) (1e-2 / Math.sqrt(norm));
    double[] f = new double[2];
    for (int side = 0; side < 2; side++) {
      float by = side == 0 ? step : -2 * step;
      for (int i = 0; i < grads.length; i++) {
        r.parameters()[i] += by * grads[i];
      }
      f[side] = r.learn(CODES, OFFSETS, 3, TARGETS, 11, 3);
    }
    assertThat((f[0] - f[1]) / (2 * step)).isCloseTo(norm, within(0.02 * norm));
    assertThat(r.learn(CODES, OFFSETS, 3, TARGETS, 11, 4)).isNotEqualTo(kept);
  }

  @Test
  void decodesCodeByCodeWhatTheReferenceDoes() {
    GenerativeRecommender r = recommender(SHAPE);
    double[] p = GenerativeReference.doubles(r.parameters());
    r.encode(CODES, OFFSETS, 3);
    // Two tuples of history 2, one of history 0.
    int[][] tuples = {{1, 2, 0}, {1, 0, 1}, {3, 1, 1}};
    int[] owner = {2, 2, 0};
    for (int length = 0; length < 3; length++) {
      int[] prefixes = new int[3 * length];
      for (int i = 0; i < 3; i++) {
        System.arraycopy(tuples[i], 0, prefixes, i * length, length);
      }
      int k = SHAPE.codes().get(length);
      float[] logs = r.decode(prefixes, length, 3, owner);
      for (int i = 0; i < 3; i++) {
        int[] history = Arrays.copyOfRange(CODES, 3 * OFFSETS[owner[i]], 3 * OFFSETS[owner[i] + 1]);
        for (int c = 0; c < k; c++) {
          int[] tuple = tuples[i].clone();
          tuple[length] = c;
          double expected = GenerativeReference.logProbabilities(SHAPE, p, history, tuple)[length];
          assertThat((double) logs[i * k + c]).isCloseTo(expected, within(2e-5));
        }
      }
    }
  }

  @Test
  void namesWhatIsWrong() {
    GenerativeRecommender r = recommender(SHAPE);
    assertThatThrownBy(() -> r.encode(CODES, new int[] {0, 2, 2}, 2))
        .hasMessage(
            "history 1 has 0 items; it must have 1 to maxItems=3, so leave it out or cut it");
    assertThatThrownBy(() -> r.encode(new int[] {0, 3, 0}, new int[] {0, 1}, 1))
        .hasMessage("code 3 at place 1 of a tuple; there are 3 there");
    assertThatThrownBy(() -> new GeneratorShape(List.of(), 6, 2, 7, 2, 3, 0f))
        .hasMessage("codes is empty; a tuple has one code or more");
    assertThatThrownBy(() -> new GeneratorShape(List.of(4), 6, 4, 7, 2, 3, 0f))
        .hasMessage("dim 6 cannot be divided into 4 heads; change one of them");
  }
}
