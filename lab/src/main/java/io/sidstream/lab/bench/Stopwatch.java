package io.sidstream.lab.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * Times calls on this thread, by its CPU time: what others do on the machine does not count, and on
 * a quiet machine it is the time by the clock.
 */
final class Stopwatch {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Something to time. */
  interface Call {
    /** Once. */
    void run() throws Exception;
  }

  /**
   * Seconds of a call.
   *
   * @param cpu CPU time of the thread
   * @param wall by the clock
   */
  record Time(double cpu, double wall) {}

  private Stopwatch() {}

  /** Mean over a number of calls. */
  static Time time(Call call, int count) throws Exception {
    long cpu = THREADS.getCurrentThreadCpuTime();
    long wall = System.nanoTime();
    for (int i = 0; i < count; i++) {
      call.run();
    }
    return new Time(
        (THREADS.getCurrentThreadCpuTime() - cpu) / 1e9 / count,
        (System.nanoTime() - wall) / 1e9 / count);
  }

  /** Mean over as many calls as fill the seconds of CPU time, one at least. */
  static Time fill(Call call, double seconds) throws Exception {
    double once = Math.max(1e-7, time(call, 1).cpu);
    return time(call, (int) Math.max(1, Math.min(10_000_000, seconds / once)));
  }
}
