package io.sidstream.job.learn;

/** Formats of what the learner keeps. */
final class StateFormat {
  private StateFormat() {}

  /**
   * Refuses state of another format.
   *
   * @throws IllegalStateException names what is kept, both formats and the fix
   */
  static void require(String of, byte found, byte known) {
    if (found != known) {
      throw new IllegalStateException(
          "the learner's state of "
              + of
              + " has format "
              + found
              + ", this version reads format "
              + known
              + ": start from a savepoint of a matching release");
    }
  }
}
