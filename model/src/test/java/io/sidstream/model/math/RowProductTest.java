package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowProductTest {
  private static final int X_OFF = 5;
  private static final int W_OFF = 3;
  private static final int Y_OFF = 2;

  /** Of n above 64 there is a second panel, of k above 128 a second piece of the sum. */
  @ParameterizedTest
  @CsvSource({
    "0,8,8",
    "1,1,1",
    "3,65,129",
    "7,64,128",
    "130,70,200",
    "257,64,64",
    "19,150,300",
    "122,130,257"
  })
  void equalsTheDoubleLoop(int rows, int n, int k) {
    Rng rng = new Rng(1);
    float[] x = gaussian(rng, X_OFF + rows * k);
    float[] w = gaussian(rng, W_OFF + k * n);
    float[] before = gaussian(rng, Y_OFF + rows * n + 1);
    RowProduct product = new RowProduct(w, W_OFF, k, n);
    for (float beta : new float[] {0f, 1f}) {
      float[] y = before.clone();
      if (beta == 0f) {
        // Overwritten means that not even this gets through.
        Arrays.fill(y, Y_OFF, Y_OFF + rows * n, Float.NaN);
      }
      float[] scratch = new float[RowProduct.scratch(n, k)];
      Arrays.fill(scratch, Float.NaN);
      product.apply(x, X_OFF, rows, beta, y, Y_OFF, scratch);
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < n; j++) {
          double sum = beta == 0f ? 0 : before[Y_OFF + i * n + j];
          for (int p = 0; p < k; p++) {
            sum += (double) x[X_OFF + i * k + p] * w[W_OFF + p * n + j];
          }
          assertThat((double) y[Y_OFF + i * n + j])
              .as("beta %s, row %d, column %d", beta, i, j)
              .isCloseTo(sum, within(1e-5 * Math.sqrt(k) + 1e-6 * Math.abs(sum)));
        }
      }
      assertThat(Arrays.copyOf(y, Y_OFF)).isEqualTo(Arrays.copyOf(before, Y_OFF));
      assertThat(y[Y_OFF + rows * n]).isEqualTo(before[Y_OFF + rows * n]);
    }
  }

  /** For many heights of the batch, as its last tile is of another height each time. */
  @ParameterizedTest
  @CsvSource({"64,64", "64,8", "70,200", "5,131"})
  void theBitsOfARowDependOnItAlone(int n, int k) {
    int most = 300;
    Rng rng = new Rng(2);
    float[] x = gaussian(rng, most * k);
    float[] start = gaussian(rng, most * n);
    RowProduct product = new RowProduct(gaussian(rng, k * n), 0, k, n);
    float[] scratch = new float[RowProduct.scratch(n, k)];
    for (float beta : new float[] {0f, 1f}) {
      float[] alone = start.clone();
      for (int i = 0; i < most; i++) {
        product.apply(x, i * k, 1, beta, alone, i * n, scratch);
      }
      for (int rows = 2; rows <= most; rows += 1 + rows / 16) {
        int first = (most - rows) / 2;
        float[] y = start.clone();
        product.apply(x, first * k, rows, beta, y, first * n, scratch);
        assertThat(
                Arrays.equals(
                    y, first * n, (first + rows) * n, alone, first * n, (first + rows) * n))
            .as("beta %s, %d rows", beta, rows)
            .isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 128})
  void aRowThatIsNotFiniteSpoilsNoOther(int k) {
    int rows = 9;
    int n = 65;
    Rng rng = new Rng(3);
    float[] x = gaussian(rng, rows * k);
    RowProduct product = new RowProduct(gaussian(rng, k * n), 0, k, n);
    float[] scratch = new float[RowProduct.scratch(n, k)];
    float[] expected = new float[rows * n];
    product.apply(x, 0, rows, 0f, expected, 0, scratch);
    x[4 * k] = Float.NaN;
    float[] y = new float[rows * n];
    product.apply(x, 0, rows, 0f, y, 0, scratch);
    for (int i = 0; i < rows * n; i++) {
      if (i / n == 4) {
        assertThat(y[i]).isNaN();
      } else {
        assertThat(y[i]).isEqualTo(expected[i]);
      }
    }
  }

  @Test
  void wIsCopied() {
    float[] w = {2f};
    RowProduct product = new RowProduct(w, 0, 1, 1);
    w[0] = 7f;
    float[] y = new float[1];
    product.apply(new float[] {3f}, 0, 1, 0f, y, 0, new float[RowProduct.scratch(1, 1)]);
    assertThat(y[0]).isEqualTo(6f);
  }

  private static float[] gaussian(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
