package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class DutyUsedTest {
  private static final long SECOND = 1_000_000_000;
  private static final long START = -5 * SECOND;
  private final DutyUsed duty = new DutyUsed(START);

  private void worked(double from, double to) {
    duty.worked(START + (long) (from * SECOND), START + (long) (to * SECOND));
  }

  private double share(double at) {
    return duty.share(START + (long) (at * SECOND));
  }

  @Test
  void itIsOfTheSecondsSinceTheStartAndThenOfTheLastMinute() {
    assertThat(share(.5)).isZero();
    worked(.5, 2.25);
    assertThat(share(2.5)).as("the second second is not over").isCloseTo(.75, within(1e-9));
    assertThat(share(10)).isCloseTo(.175, within(1e-9));
    assertThat(share(60)).isCloseTo(1.75 / 60, within(1e-9));
    assertThat(share(61.5)).as("the first second is left out").isCloseTo(1.25 / 60, within(1e-9));
    assertThat(share(200)).isZero();
  }

  @Test
  void workOfSeveralAddsUp() {
    worked(0, 4);
    worked(1, 4);
    assertThat(share(4)).isCloseTo(7. / 4, within(1e-9));
  }

  @Test
  void workLongerThanAMinuteFillsIt() {
    worked(10, 300);
    assertThat(share(300)).isCloseTo(1, within(1e-9));
    worked(330, 360);
    assertThat(share(360)).isCloseTo(.5, within(1e-9));
  }
}
