package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.openblas.global.openblas;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlasTest {
  @ParameterizedTest
  // The last two are cut into parts, by rows and by columns.
  @CsvSource({"1,1,1", "7,1,1021", "1021,7,1", "33,65,17", "1,256,64", "1111,90,91", "90,1111,91"})
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

  @ParameterizedTest
  @CsvSource({"2500,64,300", "300,2500,64", "2047,100,101", "777,2050,40"})
  void givesTheSameBitsWhateverTheNumberOfThreads(int m, int n, int k) {
    for (int t = 0; t < 4; t++) {
      boolean ta = (t & 1) != 0;
      boolean tb = (t & 2) != 0;
      Rng rng = new Rng(t);
      float[] a = random(rng, m * k);
      float[] b = random(rng, k * n);
      int lda = ta ? m : k;
      int ldb = tb ? k : n;
      float[] one = new float[m * n];
      Blas.gemm(ta, tb, m, n, k, 1f, a, 0, lda, b, 0, ldb, 0f, one, 0, n);
      for (int threads = 2; threads <= 3; threads++) {
        float[] c = new float[m * n];
        Threads.use(threads);
        try {
          Blas.gemm(ta, tb, m, n, k, 1f, a, 0, lda, b, 0, ldb, 0f, c, 0, n);
        } finally {
          Threads.use(1);
        }
        assertThat(c).isEqualTo(one);
      }
    }
  }

  @Test
  void takesTheRightHandColumnsOfAMatrix() {
    float[] x = {1, 2, 3, 4, 5, 6};
    float[] c = new float[4];
    Blas.gemm(false, true, 2, 2, 2, 1f, x, 1, 3, x, 1, 3, 0f, c, 0, 2);
    assertThat(c).containsExactly(13, 28, 28, 61);
  }

  @Test
  void loadsOneCopyOfTheLibraryAndGivesItOneThread() throws IOException {
    assumeTrue(
        Blas.provider().equals("openblas") && Files.exists(Path.of("/proc/self/maps")),
        "OpenBLAS on Linux");
    List<String> copies;
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      copies =
          maps.filter(line -> line.matches(".*/lib(openblas|nd4j).*"))
              .map(line -> line.substring(line.indexOf('/')))
              .distinct()
              .toList();
    }
    assumeTrue(copies.stream().noneMatch(file -> file.contains("nd4j")), "ND4J has its own copy");
    assertThat(copies).filteredOn(file -> file.contains("openblas")).hasSize(1);
    assertThat(openblas.blas_get_num_threads()).isEqualTo(1);
  }

  @Test
  void aSumOfNothingIsWhatBetaLeaves() {
    float[] c = {1, 2, 3, Float.NaN, 5, 6};
    float[] none = {};
    Blas.gemm(true, false, 2, 2, 0, 1f, none, 0, 2, none, 0, 2, 0.5f, c, 0, 4);
    assertThat(c).containsExactly(0.5f, 1, 3, Float.NaN, 2.5f, 3);
    Blas.gemm(true, false, 1, 4, 0, 1f, none, 0, 1, none, 0, 4, 0f, c, 0, 4);
    assertThat(c).containsExactly(0, 0, 0, 0, 2.5f, 3);
  }

  @Test
  void namesTheMatrixThatDoesNotFit() {
    float[] x = new float[6];
    assertThatThrownBy(
            () -> Blas.gemm(false, false, 2, 2, 3, 1f, x, 1, 3, x, 0, 2, 0f, new float[4], 0, 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("Matrix A of 2 x 3");
    assertThatThrownBy(
            () -> Blas.gemm(false, false, 2, 2, 3, 1f, x, 0, 3, x, 0, 1, 0f, new float[4], 0, 2))
        .hasMessageContaining("Matrix B of 3 x 2 has leading dimension 1");
  }

  private static float[] random(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
