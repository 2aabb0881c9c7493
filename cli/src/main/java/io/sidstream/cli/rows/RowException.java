package io.sidstream.cli.rows;

/** A record of a file cannot be used. The ones after it can be read. */
public final class RowException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What is wrong; the names stand in summaries. */
  public enum Fault {
    /** The line is no JSON object. */
    NOT_JSON,
    /** The line has not the columns of the header. */
    COLUMNS,
    /** A field that is needed is not there, or empty. */
    FIELD_MISSING,
    /** A field is of another type: a list where a text is expected. */
    FIELD_TYPE,
    /** An identifier cannot be written in UTF-8, or is too long. */
    IDENTIFIER,
    /** A time that is none. */
    TIME
  }

  private final long number;
  private final Fault fault;

  /**
   * A fault of a record.
   *
   * @param number line or row, from 1
   * @param message the field, its value and what is expected
   */
  public RowException(long number, Fault fault, String message) {
    super(message, null, false, false);
    this.number = number;
    this.fault = fault;
  }

  /** Line or row, from 1. */
  public long number() {
    return number;
  }

  /** What is wrong. */
  public Fault fault() {
    return fault;
  }
}
