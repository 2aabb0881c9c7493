package io.sidstream.job.learn;

/**
 * How long the oldest entry of a queue has waited, told without a look into it: when how many had
 * come is noted, and those that have left are taken to be the oldest. Where there are many notes,
 * two become one, so that the answer is too old by a 64th of the time that they are of, at most.
 */
final class QueueAge {
  private static final int NOTES = 128;

  private static final long SECOND_MS = 1_000;

  private final long[] times = new long[NOTES];
  private final long[] counts = new long[NOTES];
  private int first;
  private int end;
  private long came;

  /** Arrivals within so many ms share a note, that of the first. */
  private long span = SECOND_MS;

  private volatile long oldest;

  /** An entry comes. */
  void came() {
    came++;
  }

  /**
   * Looks how many wait.
   *
   * @param waiting entries of the queue; more than came at the first look, where it is restored
   * @param now ms, above 0
   */
  void look(long waiting, long now) {
    came = Math.max(came, waiting);
    while (first < end && counts[first] <= came - waiting) {
      first++;
    }
    if (first == end) {
      span = SECOND_MS;
    }
    long noted = first < end ? counts[end - 1] : came - waiting;
    if (came > noted) {
      if (first < end && now - times[end - 1] < span) {
        counts[end - 1] = came;
      } else {
        note(now);
      }
    }
    oldest = first < end ? times[first] : 0;
  }

  private void note(long now) {
    if (end == NOTES) {
      System.arraycopy(times, first, times, 0, end - first);
      System.arraycopy(counts, first, counts, 0, end - first);
      end -= first;
      first = 0;
    }
    if (end == NOTES) {
      for (int i = 0; i < NOTES / 2; i++) {
        times[i] = times[2 * i];
        counts[i] = counts[2 * i + 1];
      }
      end = NOTES / 2;
      span = Math.max(2 * span, 2 * (now - times[0]) / NOTES);
    }
    times[end] = now;
    counts[end++] = came;
  }

  /** When the oldest that waits came, ms; 0 for none. From any thread. */
  long oldest() {
    return oldest;
  }
}
