package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlasTest {
  @ParameterizedTest
  @CsvSource({"1,1,1", "7,1,1021", "1021,7,1", "33,65,17", "1,256,64"})
  void equalsTheTripleLoopWithOffsetsAndTransposes(int m, int n, int k) {
    Rng rng = new Rng(1);
    for (int t = 0; t < 4; t++) {
      boolean ta = (t & 1) != 0;
      boolean tb = (t & 2) != 0;
      int lda = (ta ? m : k) + 3;
      int ldb = (tb ? k : n) + 2;
      int ldc = n + 1;
      float[] a = random(rng, 5 + (ta ? k : m) * lda);
      float[] b = random(rng, 4 + (tb ? n : k) * ldb);
      float[] c = random(rng, 6 + m * ldc);
      float[] before = c.clone();
      Blas.gemm(ta, tb, m, n, k, 0.5f, a, 5, lda, b, 4, ldb, 2f, c, 6, ldc);
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 2.0 * before[6 + i * ldc + j];
          for (int p = 0; p < k; p++) {
            sum +=
                0.5
                    * (ta ? a[5 + p * lda + i] : a[5 + i * lda + p])
                    * (tb ? b[4 + j * ldb + p] : b[4 + p * ldb + j]);
          }
          assertThat((double) c[6 + i * ldc + j]).isCloseTo(sum, within(1e-4));
        }
        assertThat(c[6 + i * ldc + n]).as("gap after row %d", i).isEqualTo(before[6 + i * ldc + n]);
      }
    }
  }

  private static float[] random(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
