package io.sidstream.cli.train;

import io.sidstream.cli.Median;
import java.util.Arrays;

/** Times of the steps of a training, milliseconds. */
public final class StepTimes {
  private double[] millis = new double[1024];
  private int count;

  /** Adds the time of a step that is just done. */
  public void addSince(long startNanos) {
    add((System.nanoTime() - startNanos) / 1e6);
  }

  /** Adds times. */
  void add(double... times) {
    if (count + times.length > millis.length) {
      millis = Arrays.copyOf(millis, 2 * (count + times.length));
    }
    System.arraycopy(times, 0, millis, count, times.length);
    count += times.length;
  }

  /** Steps taken. */
  public int count() {
    return count;
  }

  /** Median of the steps from one on; 0 for none. */
  public double medianFrom(int step) {
    return step == count ? 0 : Median.of(Arrays.copyOfRange(millis, step, count));
  }

  /** All, in order. */
  double[] all() {
    return Arrays.copyOf(millis, count);
  }
}
