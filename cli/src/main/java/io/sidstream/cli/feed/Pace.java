package io.sidstream.cli.feed;

import java.util.concurrent.locks.LockSupport;

/** An even pace; after a pause (flow control) it does not hurry to catch up. */
public final class Pace {
  private final long gapNanos;
  private long next = System.nanoTime();

  /**
   * A pace.
   *
   * @param rate calls a second; 0 for as fast as they come
   */
  public Pace(double rate) {
    gapNanos = rate > 0 ? (long) (1e9 / rate) : 0;
  }

  /** Waits until the next may go. */
  public void await() throws InterruptedException {
    if (gapNanos == 0) {
      return;
    }
    long now = System.nanoTime();
    // Half a second behind: so that short stalls are made good and long ones are not.
    next = Math.max(next, now - 500_000_000L);
    while (now < next) {
      LockSupport.parkNanos(next - now);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      now = System.nanoTime();
    }
    next += gapNanos;
  }
}
