package io.sidstream.job.learn;

/** Share of the last minute that work took. Any thread tells, any thread asks. */
final class DutyUsed {
  private static final int SECONDS = 60;
  private static final long SECOND_NS = 1_000_000_000;

  /** Work by second, ns; and which second that is. */
  private final long[] work = new long[SECONDS + 1];

  private final long[] seconds = new long[SECONDS + 1];
  private final long start;

  /**
   * @param now as System.nanoTime has it
   */
  DutyUsed(long now) {
    start = now;
  }

  /** Work was done from one time to another, as System.nanoTime has them. */
  synchronized void worked(long from, long to) {
    long at = Math.max(from - start, Math.max(0, to - start - SECONDS * SECOND_NS));
    while (at < to - start) {
      long second = at / SECOND_NS;
      long end = Math.min(to - start, (second + 1) * SECOND_NS);
      int slot = (int) (second % work.length);
      if (seconds[slot] != second) {
        seconds[slot] = second;
        work[slot] = 0;
      }
      work[slot] += end - at;
      at = end;
    }
  }

  /** Of the last 60 whole seconds, or of those since the start; above 1 where several work. */
  synchronized double share(long now) {
    long second = (now - start) / SECOND_NS;
    long from = Math.max(0, second - SECONDS);
    long sum = 0;
    for (int slot = 0; slot < work.length; slot++) {
      sum += seconds[slot] >= from && seconds[slot] < second ? work[slot] : 0;
    }
    return second == from ? 0 : (double) sum / (second - from) / SECOND_NS;
  }
}
