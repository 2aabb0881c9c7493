package io.sidstream.model.math;

/** Compares a provider's products with a plain triple loop in double precision. */
final class SelfCheck {
  private static final int[] CHECKED_SIZES = {1, 7, 1021};

  private SelfCheck() {}

  /**
   * Multiplies matrices of awkward sizes and compares.
   *
   * @throws IllegalStateException naming the first product that is wrong
   */
  static void check(Products products) {
    for (int m : CHECKED_SIZES) {
      for (int n : CHECKED_SIZES) {
        for (int k : CHECKED_SIZES) {
          // One dimension may be large at a time: the reference is a plain triple loop.
          if ((long) m * n * k > 60_000) {
            continue;
          }
          for (int t = 0; t < 4; t++) {
            check(products, (t & 1) != 0, (t & 2) != 0, m, n, k);
          }
        }
      }
    }
    check(products, false, false, 61, 67, 71);
  }

  private static void check(
      Products products, boolean transA, boolean transB, int m, int n, int k) {
    Rng rng = new Rng(m * 31L + n * 7L + k);
    float[] a = new float[m * k];
    float[] b = new float[k * n];
    float[] c = new float[m * n];
    for (int i = 0; i < a.length; i++) {
      a[i] = rng.nextFloat() - 0.5f;
    }
    for (int i = 0; i < b.length; i++) {
      b[i] = rng.nextFloat() - 0.5f;
    }
    int lda = transA ? m : k;
    int ldb = transB ? k : n;
    products.sgemm(transA, transB, m, n, k, 1f, a, 0, lda, b, 0, ldb, 0f, c, 0, n);
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        double size = 0;
        for (int p = 0; p < k; p++) {
          double product =
              (double) (transA ? a[p * lda + i] : a[i * lda + p])
                  * (transB ? b[j * ldb + p] : b[p * ldb + j]);
          sum += product;
          size += Math.abs(product);
        }
        if (!(Math.abs(c[i * n + j] - sum) <= 1e-5 * size + 1e-7)) {
          throw new IllegalStateException(
              "The provider of matrix products "
                  + products.name()
                  + " ("
                  + products.description()
                  + ") computes wrong ones here: sgemm m="
                  + m
                  + " n="
                  + n
                  + " k="
                  + k
                  + " transA="
                  + transA
                  + " transB="
                  + transB
                  + " gave "
                  + c[i * n + j]
                  + " for "
                  + sum
                  + " at ["
                  + i
                  + ", "
                  + j
                  + "]; use a newer org.bytedeco:openblas, or set -D"
                  + Blas.PROVIDER_PROPERTY
                  + "=java");
        }
      }
    }
  }
}
