package io.sidstream.model.train;

/** Numbers of a model are no longer finite: training went too far, and goes back to where it was. */
public final class DivergedException extends IllegalStateException {
  /**
   * With what diverged and what to do.
   *
   * @param cause null for none
   */
  public DivergedException(String message, Throwable cause) {
    super(message, cause);
  }
}
