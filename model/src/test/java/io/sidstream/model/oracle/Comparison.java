package io.sidstream.model.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.math.Rng;
import org.nd4j.linalg.api.ndarray.INDArray;

/** How near the tuned code must be to the oracle, and random numbers to try it on. */
final class Comparison {
  /** Relative. */
  static final double NEAR = 1e-5;

  private Comparison() {}

  /** Asserts that each row of actual is within {@link #NEAR} of the oracle's, relative to it. */
  static void assertRowsNear(String what, float[] actual, INDArray expected) {
    double[][] rows = expected.toDoubleMatrix();
    for (int i = 0; i < rows.length; i++) {
      double error = 0;
      double size = 0;
      for (int j = 0; j < rows[i].length; j++) {
        double difference = actual[i * rows[i].length + j] - rows[i][j];
        error += difference * difference;
        size += rows[i][j] * rows[i][j];
      }
      assertThat(Math.sqrt(error))
          .as("%s, row %d of length %s", what, i, Math.sqrt(size))
          .isLessThanOrEqualTo(NEAR * Math.sqrt(size));
    }
  }

  static void assertNear(String what, double actual, double expected) {
    assertThat(Math.abs(actual - expected))
        .as("%s is %s, the oracle's %s", what, actual, expected)
        .isLessThanOrEqualTo(NEAR * Math.abs(expected));
  }

  static float[] gaussian(Rng rng, int n, float deviation) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = deviation * rng.nextGaussian();
    }
    return x;
  }

  static int oneOf(Rng rng, int... choices) {
    return choices[rng.nextInt(choices.length)];
  }
}
