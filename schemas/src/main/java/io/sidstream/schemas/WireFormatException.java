package io.sidstream.schemas;

/** Bytes that are not a record of the class that was asked for. */
public final class WireFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What is wrong with the bytes. */
  public enum Problem {
    /** Shorter than the 10 bytes of marker and fingerprint. */
    TOO_SHORT,
    /** The first two bytes are not C3 01. */
    BAD_MARKER,
    /** No released schema has the fingerprint. */
    UNKNOWN_SCHEMA,
    /** The schema is one of ours, but of another record. */
    WRONG_SCHEMA,
    /** The bytes end, or announce more than there is, within the datum. */
    TRUNCATED,
    /** The datum is not of its schema. */
    MALFORMED,
    /** There are bytes behind the datum. */
    TRAILING_BYTES
  }

  private final Problem problem;

  WireFormatException(Problem problem, String message, Throwable cause) {
    super(message, cause);
    this.problem = problem;
  }

  /** What is wrong. */
  public Problem problem() {
    return problem;
  }
}
