package io.sidstream.model.math;

/**
 * A number is NaN, infinite, or too large to square: a model that diverged, or an input that no
 * model can take. Of its own type, so that who can do something about it (hold a candidate back,
 * lay a record aside) takes no other failure for it.
 */
public final class NotFiniteException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** Names what is not finite, and what helps. */
  public NotFiniteException(String message) {
    super(message);
  }

  /** As {@link #NotFiniteException(String)}, for a failure that another one explains. */
  public NotFiniteException(String message, NotFiniteException cause) {
    super(message, cause);
  }

  /**
   * Checks numbers.
   *
   * @param name what they are, for the message
   * @throws NotFiniteException naming the first that is NaN or infinite
   */
  public static void check(String name, float[] numbers) {
    for (int i = 0; i < numbers.length; i++) {
      if (!Float.isFinite(numbers[i])) {
        throw new NotFiniteException(
            "number "
                + i
                + " of the "
                + name
                + " is "
                + numbers[i]
                + ": the training diverged; lower the learning rate");
      }
    }
  }
}
