package io.sidstream.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class TrendTest {
  /** Two hours, a value each ten seconds; the first 20 minutes do not count. */
  private static ObjectNode trend(DoubleUnaryOperator value) {
    Trend trend = new Trend(300, 1200);
    for (int s = 0; s < 7200; s += 10) {
      trend.add(s, value.applyAsDouble(s));
    }
    return trend.json();
  }

  @Test
  void aLineHasItsSlope() {
    // From 1,000 at 20 minutes on, 100 an hour.
    ObjectNode json = trend(s -> 1000 + (s - 1200) / 36.);

    assertThat(json.path("periods").asInt()).isEqualTo(20);
    assertThat(json.path("percentAnHour").asDouble()).isCloseTo(9.8, within(.2));
    assertThat(json.path("from").asDouble()).isCloseTo(9.8, within(.2));
    assertThat(json.path("to").asDouble()).isCloseTo(9.8, within(.2));
    assertThat(json.path("end").asDouble()).isGreaterThan(json.path("start").asDouble() + 100);
  }

  @Test
  void whatGoesUpAndDownIsFlat() {
    SplittableRandom random = new SplittableRandom(3);
    ObjectNode json = trend(s -> 1000 + s % 400 + random.nextDouble(-300, 300));

    assertThat(json.path("from").asDouble()).isNegative();
    assertThat(json.path("to").asDouble()).isPositive();
  }

  @Test
  void whatWasBeforeTheWarmUpAndAFewThatAreFarOffDoNotCount() {
    ObjectNode json = trend(s -> s < 1200 ? 0 : s % 1500 < 100 ? 1e9 : 1000);

    assertThat(json.path("start").asDouble()).isEqualTo(1000);
    assertThat(json.path("percentAnHour").asDouble()).isZero();
  }

  @Test
  void withoutEnoughThereIsNoSlope() {
    Trend trend = new Trend(300, 0);
    assertThat(trend.json().path("periods").asInt()).isZero();
    trend.add(10, 5);
    assertThat(trend.json().path("start").asDouble()).isEqualTo(5);
    assertThat(trend.json().has("percentAnHour")).isFalse();
  }
}
