package io.sidstream.cli.rows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class EventTimeTest {
  private static final long TIME = Instant.parse("2024-05-01T12:30:00Z").toEpochMilli();

  @Test
  void readsSecondsMillisecondsAndIso() {
    for (String same :
        List.of(
            "1714566600",
            "1714566600.0",
            "1.7145666E9",
            "1714566600000",
            " 1714566600 ",
            "2024-05-01T12:30:00Z",
            "2024-05-01T12:30:00",
            "2024-05-01 12:30:00",
            "2024-05-01 12:30",
            "2024-05-01 14:30:00+02",
            "2024-05-01T14:30:00.000+02:00")) {
      assertThat(EventTime.parse(same)).as(same).isEqualTo(TIME);
    }
    assertThat(EventTime.parse("2024-05-01"))
        .isEqualTo(Instant.parse("2024-05-01T00:00:00Z").toEpochMilli());
    assertThat(EventTime.parse("1714566600.25")).isEqualTo(TIME + 250);
    assertThat(EventTime.parse("0")).isZero();
    assertThat(EventTime.parse("-1")).isEqualTo(-1000);
    assertThat(EventTime.parse("100000000000")).isEqualTo(100_000_000_000_000L);
    assertThat(EventTime.parse("100000000001")).isEqualTo(100_000_000_001L);
  }

  @Test
  void refusesWhatIsNoTime() {
    for (String wrong :
        List.of("", "noon", "2024-13-01", "01.05.2024", "1714566600000000000", "1e99", "-9e14")) {
      assertThatThrownBy(() -> EventTime.parse(wrong))
          .as(wrong)
          .hasMessageStartingWith("'" + wrong + "' is not a time")
          .hasMessageContaining("seconds or milliseconds since 1970");
      assertThat(EventTime.isTime(wrong)).isFalse();
    }
  }

  @Test
  @Timeout(10)
  void refusesLongTextsAtOnce() {
    for (String part : List.of("T", "9", " T", "T+1")) {
      String wrong = part.repeat(500_000);
      assertThatThrownBy(() -> EventTime.parse(wrong))
          .as(part)
          .hasMessageContaining("...' is not a time");
    }
  }

  @Test
  void namesTheUnitOfANumberThatIsTooFine() {
    assertThatThrownBy(() -> EventTime.parse("1714566600123456"))
        .hasMessageContaining("of the years 0 to 9999: in microseconds? divide it by 1,000;");
    assertThatThrownBy(() -> EventTime.parse("1714566600123456789"))
        .hasMessageContaining("in nanoseconds? divide it by 1,000,000;");
    assertThatThrownBy(() -> EventTime.parse("300000000000000"))
        .hasMessageContaining("of the years 0 to 9999; expected");
  }
}
