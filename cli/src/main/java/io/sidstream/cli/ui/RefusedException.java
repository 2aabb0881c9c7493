package io.sidstream.cli.ui;

/** A request that cannot be answered; the message names what, its value and the fix. */
final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  static final int WRONG = 400;
  static final int NOT_THERE = 404;
  static final int NOT_YET = 503;

  private final int status;

  /**
   * Refuses.
   *
   * @param status of HTTP
   */
  RefusedException(int status, String message) {
    super(message);
    this.status = status;
  }

  int status() {
    return status;
  }
}
