package io.sidstream.model.recommend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DropoutTest {
  private static final int N = 100_000;

  /** The rule as it is read: dropped where 24 bits of the hash are below the rate. */
  private static float byRule(float rate, int key, int element) {
    int x = (element + key) * 0x9E3779B1;
    x ^= x >>> 16;
    x *= 0x85EBCA6B;
    x ^= x >>> 13;
    x *= 0xC2B2AE35;
    x ^= x >>> 16;
    return (x >>> 8) < (int) (rate * (1 << 24)) ? 0f : 1f / (1f - rate);
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, .1f, .3f, .5f, .9f, .999f})
  void dropsTheShareAndKeepsTheMean(float rate) {
    Dropout dropout = new Dropout(rate);
    int key = Dropout.key(42, 7, 3);
    float[] x = new float[N];
    Arrays.fill(x, 1f);
    dropout.apply(key, x, N);
    int dropped = 0;
    for (int i = 0; i < N; i++) {
      assertThat(x[i]).isEqualTo(byRule(rate, key, i));
      dropped += x[i] == 0 ? 1 : 0;
    }
    assertThat(dropped / (double) N).isCloseTo(rate, within(.01));
  }
}
