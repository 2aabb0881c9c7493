package io.sidstream.cli.rows;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/**
 * Times as files have them: seconds or milliseconds since 1970, or ISO 8601 ({@code 2024-05-01},
 * {@code 2024-05-01 12:30:00}, {@code 2024-05-01T12:30:00+02:00}); UTC where no zone is said.
 *
 * <p>A number up to 100,000,000,000 (in seconds the year 5138) is one of seconds, above it (in
 * milliseconds 1973) one of milliseconds.
 */
final class EventTime {
  private static final BigDecimal MOST_SECONDS = new BigDecimal(100_000_000_000L);

  /** 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z. */
  private static final long FIRST = -62_167_219_200_000L;

  private static final long LAST = 253_402_300_799_999L;

  /** More than any time is written with. */
  private static final int MOST_CHARACTERS = 100;

  private EventTime() {}

  /**
   * A time in ms since 1970.
   *
   * @throws IllegalArgumentException where it is none; names the text and what is expected
   */
  static long parse(String text) {
    String trimmed = text.strip();
    // What is longer is none, and costs the square of its length to find that out.
    if (trimmed.length() > MOST_CHARACTERS) {
      throw wrong(text, "");
    }
    long millis =
        trimmed.matches("[+-]?\\d+(\\.\\d*)?([eE][+-]?\\d{1,3})?")
            ? number(trimmed)
            : iso(trimmed).toEpochMilli();
    if (millis < FIRST || millis > LAST) {
      throw wrong(text, " of the years 0 to 9999" + finer(millis));
    }
    return millis;
  }

  static boolean isTime(String text) {
    try {
      parse(text);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Whether a cell is a time, or a number that is none: not the name of a column. */
  static boolean looksLikeTime(String text) {
    return isTime(text) || text.strip().matches("[+-]?\\d+(\\.\\d*)?");
  }

  private static long number(String text) {
    BigDecimal number = new BigDecimal(text);
    BigDecimal millis =
        number.abs().compareTo(MOST_SECONDS) <= 0 ? number.movePointRight(3) : number;
    if (millis.abs().compareTo(new BigDecimal(Long.MAX_VALUE)) > 0) {
      throw wrong(text, " of the years 0 to 9999");
    }
    // What is finer than a millisecond is not kept.
    return millis.setScale(0, RoundingMode.FLOOR).longValue();
  }

  /** What a number that is too large may be of; a time from 1990 on in micro- or nanoseconds is. */
  private static String finer(long number) {
    long micros = 631_152_000_000_000L;
    return number < micros
        ? ""
        : number < 1000 * micros
            ? ": in microseconds? divide it by 1,000"
            : ": in nanoseconds? divide it by 1,000,000";
  }

  private static Instant iso(String text) {
    String t = text.length() > 10 && text.charAt(10) == ' ' ? text.replaceFirst(" ", "T") : text;
    // Programs write +00 where ISO wants +00:00.
    if (t.matches(".*T.*[+-]\\d\\d")) {
      t = t + ":00";
    }
    try {
      if (t.length() <= 10) {
        return LocalDate.parse(t).atStartOfDay(ZoneOffset.UTC).toInstant();
      }
      return DateTimeFormatter.ISO_DATE_TIME.parseBest(t, OffsetDateTime::from, LocalDateTime::from)
              instanceof OffsetDateTime zoned
          ? zoned.toInstant()
          : LocalDateTime.parse(t, DateTimeFormatter.ISO_DATE_TIME).toInstant(ZoneOffset.UTC);
    } catch (DateTimeException e) {
      throw wrong(text, "");
    }
  }

  private static IllegalArgumentException wrong(String text, String range) {
    return new IllegalArgumentException(
        "'"
            + (text.length() <= 80 ? text : text.substring(0, 80) + "...")
            + "' is not a time"
            + range
            + "; expected: seconds or milliseconds since 1970, or ISO 8601 such as"
            + " 2024-05-01T12:30:00Z");
  }
}
