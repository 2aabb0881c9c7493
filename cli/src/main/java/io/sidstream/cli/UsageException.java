package io.sidstream.cli;

/**
 * Something the caller asked for cannot be done; the message names what, its value and the fix.
 * Exit code 2.
 */
public final class UsageException extends RuntimeException {
  /** With a message for the person at the terminal. */
  public UsageException(String message) {
    super(message);
  }
}
