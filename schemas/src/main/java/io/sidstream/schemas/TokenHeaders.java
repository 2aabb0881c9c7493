package io.sidstream.schemas;

import java.nio.charset.StandardCharsets;

/**
 * Names of Kafka headers. A removal (null value) on the tokens topic carries all but {@link #JOB},
 * because it has no value to say it in: which commit counts it, and what the item's token was.
 */
public final class TokenHeaders {
  /**
   * The first version whose COMMIT counts the removal; decimal text. As {@code ItemToken.commit}.
   */
  public static final String COMMIT = "sid-commit";

  /** Token version in use when the item was removed; decimal text. As {@code ItemToken.version}. */
  public static final String VERSION = "sid-version";

  /**
   * The token the item had in the table committed as version commit - 1, a {@link TokenRef} in
   * {@link WireFormat}; absent for an item that was not in it. As {@code ItemToken.previous}.
   */
  public static final String PREVIOUS = "sid-previous";

  /** Of a version record: {@code kafka.group} of the job that says it, UTF-8. */
  public static final String JOB = "sid-job";

  private TokenHeaders() {}

  /** A number as the value of a header. */
  public static byte[] encode(int number) {
    return Integer.toString(number).getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * The number in the value of a header.
   *
   * @throws IllegalArgumentException where it is not a decimal integer
   */
  public static int decode(byte[] value) {
    String text = new String(value, StandardCharsets.US_ASCII);
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "header value '" + text + "'; expected: a decimal integer", e);
    }
  }
}
