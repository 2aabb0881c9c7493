package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RngTest {
  @Test
  void isSplitMix64() {
    // First outputs for seed 1234567, as published with the reference implementation
    // (prng.di.unimi.it/splitmix64.c).
    Rng rng = new Rng(1234567);
    assertThat(rng.nextLong()).isEqualTo(6457827717110365317L);
    assertThat(rng.nextLong()).isEqualTo(3203168211198807973L);
    assertThat(rng.nextLong()).isEqualTo(Long.parseUnsignedLong("9817491932198370423"));
  }

  @Test
  void goesOnFromItsState() {
    Rng rng = new Rng(5);
    rng.nextGaussian();
    rng.nextInt(10);
    Rng other = new Rng(rng.state());
    for (int i = 0; i < 10; i++) {
      assertThat(other.nextGaussian()).isEqualTo(rng.nextGaussian());
    }
  }

  @Test
  void boundedDrawsAreUniformAndInRange() {
    Rng rng = new Rng(6);
    int[] counts = new int[7];
    for (int i = 0; i < 70_000; i++) {
      counts[rng.nextInt(7)]++;
    }
    for (int count : counts) {
      assertThat(count).isBetween(9_600, 10_400);
    }
    for (int i = 0; i < 1000; i++) {
      assertThat(rng.nextInt(Integer.MAX_VALUE)).isNotNegative();
    }
    assertThatThrownBy(() -> rng.nextInt(0)).hasMessageContaining("0");
  }

  @Test
  void gaussianHasItsMoments() {
    Rng rng = new Rng(7);
    double sum = 0;
    double squares = 0;
    int n = 100_000;
    for (int i = 0; i < n; i++) {
      float x = rng.nextGaussian();
      sum += x;
      squares += x * x;
    }
    assertThat(sum / n).isCloseTo(0, within(0.015));
    assertThat(squares / n).isCloseTo(1, within(0.02));
  }

  @Test
  void streamsAndSplitsDiffer() {
    Rng rng = new Rng(8);
    long before = rng.state();
    assertThat(rng.stream(1).nextLong())
        .isNotEqualTo(rng.stream(2).nextLong())
        .isEqualTo(rng.stream(1).nextLong());
    assertThat(rng.state()).isEqualTo(before);
    assertThat(rng.split().nextLong()).isNotEqualTo(rng.nextLong());
    double sum = 0;
    for (int i = 0; i < 100_000; i++) {
      sum += Rng.uniform(Rng.hash(1, 2, i));
    }
    assertThat(sum / 100_000).isCloseTo(0.5, within(0.005));
  }
}
