package io.sidstream.cli;

/** A port that an option names. */
public final class Port {
  private static final int LARGEST = 65_535;

  private Port() {}

  /**
   * Refuses what is none.
   *
   * @param option its name, such as {@code --ui-port}
   * @throws UsageException unless 1 to 65535
   */
  public static void check(String option, int port) {
    if (port < 1 || port > LARGEST) {
      throw new UsageException("%s %d: 1 to %d".formatted(option, port, LARGEST));
    }
  }

  /** The same, where 0 stands for a free one. */
  public static void checkOrFree(String option, int port) {
    if (port < 0 || port > LARGEST) {
      throw new UsageException(
          "%s %d: 1 to %d, or 0 for a free one".formatted(option, port, LARGEST));
    }
  }
}
