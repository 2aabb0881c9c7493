package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MedianTest {
  @Test
  void isTheMiddleOrTheMeanOfTheTwoInTheMiddle() {
    double[] values = {9, 1, 4, 2};
    assertThat(Median.of(values)).isEqualTo(3);
    assertThat(values).containsExactly(9, 1, 4, 2);
    assertThat(Median.of(9, 1, 4)).isEqualTo(4);
    assertThat(Median.of(7)).isEqualTo(7);
    assertThat(Median.of()).isNaN();
  }
}
