package io.sidstream.cli;

import java.util.Arrays;

/** The value in the middle. */
public final class Median {
  private Median() {}

  /** The middle one; of an even number the mean of the two in the middle; NaN for none. */
  public static double of(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return n == 0 ? Double.NaN : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }
}
