package io.sidstream.model.recommend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.StoredFile;
import java.io.DataInputStream;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** Weights with their optimiser as they were written; see {@link StoredFile}. */
class StoredWeightsTest {
  private static final String FILE = "weights-1.bin";
  private static final float[] START = {0.5f, -2, 8};
  private static final float[] GRADIENT = {3, -0.25f, 1};
  private static final float RATE = 0.125f;

  /** Writes the file of the present format into a folder. */
  public static void main(String[] arguments) throws IOException {
    Weights weights = new Weights(3);
    System.arraycopy(START, 0, weights.values(), 0, 3);
    System.arraycopy(GRADIENT, 0, weights.gradients(), 0, 3);
    weights.adamStep(RATE);
    weights.adamStep(RATE);
    StoredFile.write(arguments[0], FILE, StoredFile.bytes(weights::writeState));
  }

  @Test
  void weightsOfTrainerFormats1To3() throws IOException {
    Weights weights = new Weights(3);
    try (DataInputStream in = StoredFile.open(FILE)) {
      weights.readState(in, "three weights");
      assertThat(in.available()).isZero();
    }
    assertThat(StoredFile.bytes(weights::writeState)).isEqualTo(StoredFile.read(FILE));
    float[] before = weights.values().clone();
    double m = (0.9 * (1 - 0.81) - 0.1) / (1 - 0.729);
    for (int i = 0; i < 3; i++) {
      float sign = Math.signum(GRADIENT[i]);
      // Of a gradient that does not change, Adam's step is the rate.
      assertThat(before[i]).isCloseTo(START[i] - 2 * RATE * sign, within(1e-5f));
      weights.gradients()[i] = -GRADIENT[i];
    }
    // Against both moments and their correction: m = 0.9 (1 - 0.9²) g - 0.1 g.
    weights.adamStep(RATE);
    for (int i = 0; i < 3; i++) {
      assertThat((double) before[i] - weights.values()[i])
          .isCloseTo(RATE * m * Math.signum(GRADIENT[i]), within(1e-5));
    }
  }

  @Test
  void ofAnotherShapeAreRefused() throws IOException {
    try (DataInputStream in = StoredFile.open(FILE)) {
      assertThatThrownBy(() -> new Weights(4).readState(in, "four weights"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("3 weights, this shape 4: four weights");
    }
  }
}
