package io.sidstream.job.learn;

import java.util.function.LongSupplier;

/**
 * When a turn of an operator's thread is over.
 *
 * @param clock as System.nanoTime
 * @param at by that clock, ns
 */
record Deadline(LongSupplier clock, long at) {
  /** None. */
  static final Deadline NEVER = new Deadline(() -> 0, 1);

  /** In some time from now. */
  static Deadline in(LongSupplier clock, long ns) {
    return new Deadline(clock, clock.getAsLong() + ns);
  }

  boolean isOver() {
    return clock.getAsLong() - at > 0;
  }
}
