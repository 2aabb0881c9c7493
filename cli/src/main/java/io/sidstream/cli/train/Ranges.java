package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;

/** Refuses values of options that are out of range. */
public final class Ranges {
  private Ranges() {}

  /**
   * For a number that has a least value.
   *
   * @throws UsageException where it is less
   */
  public static void atLeast(String option, int value, int least) {
    if (value < least) {
      throw new UsageException(option + " " + value + ": it must be " + least + " or more");
    }
  }

  /**
   * For a width that two attention heads share.
   *
   * @throws UsageException where it is odd
   */
  static void even(String option, int width) {
    if (width % 2 != 0) {
      throw new UsageException(
          option + " " + width + ": it must be even, as two attention heads share the width");
    }
  }
}
