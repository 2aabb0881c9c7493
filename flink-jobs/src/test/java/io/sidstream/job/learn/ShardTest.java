package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShardTest {
  /** What a round takes is on the heap at once, whatever waits. */
  @ParameterizedTest
  @CsvSource({
    "1, 8",
    "5000, 40000",
    "12500, 100000",
    "12501, 100000",
    "100000, 100000",
    "2000000, 2000000"
  })
  void aRoundThatCatchesUpTakesEightTimesAsManyUpToABound(long wanted, long taken) {
    assertThat(Shard.catchUp(wanted)).isEqualTo(taken);
  }
}
