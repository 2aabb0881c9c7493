package io.sidstream.model.math;

import java.util.Arrays;

/**
 * The one door to matrix products: row-major {@code float[]} on the heap, with offsets and leading
 * dimensions, no copies.
 *
 * <p>The work is done by a provider, which the first call loads (safe from several threads) and
 * checks once against plain Java, because old OpenBLAS builds are known to compute wrong results on
 * some processors; where a result is wrong the class refuses to load. The first of these that loads
 * is taken: OpenBLAS tuned for the processor, on the arrays where they lie; ND4J, which copies
 * them; plain Java.
 *
 * <p>A large product is computed in parts, rows or columns of C, that depend on its shape alone;
 * OpenBLAS computes each on one thread. So the bits are the same whatever the number of threads,
 * which its own threads, cutting a product by their number, do not give.
 *
 * <p>System property, read once: {@value #PROVIDER_PROPERTY} names the provider that is to be
 * taken, and no other. {@link Threads} share the parts.
 */
public final class Blas {
  /** Property: {@code openblas}, {@code nd4j}, {@code java} or {@code auto} (default). */
  public static final String PROVIDER_PROPERTY = "sidstream.blas";

  /** Rows or columns of C that a part has at least: fewer pack an operand too often. */
  private static final int PART = 512;

  /** The same where A is transposed: a sum over a batch, whose C is as small as a layer. */
  private static final int PART_OF_WEIGHTS = 256;

  /** Multiplications of a product that is cut: some 0.1 ms, of which waking a thread takes half. */
  private static final long WORTH_CUTTING = 1L << 23;

  private Blas() {}

  private static final class Engine {
    static final Products PRODUCTS = Providers.choose(System.getProperty(PROVIDER_PROPERTY));

    private Engine() {}
  }

  /**
   * Loads and checks the provider now, so that a wrong installation fails at start and not at the
   * first product.
   *
   * @return its name: {@code openblas}, {@code nd4j} or {@code java}
   * @throws IllegalStateException saying what to do, when the provider that the property names does
   *     not load here, or computes wrong products
   */
  public static String provider() {
    return Engine.PRODUCTS.name();
  }

  /**
   * C = alpha op(A) op(B) + beta C, everything row-major; op(X) is X or its transpose.
   *
   * @param transA whether A is stored as {@code [k, m]} rather than {@code [m, k]}
   * @param transB whether B is stored as {@code [n, k]} rather than {@code [k, n]}
   * @param m rows of C
   * @param n columns of C
   * @param k the summed dimension
   * @param lda elements from one stored row of A to the next
   * @param ldb elements from one stored row of B to the next
   * @param ldc elements from one row of C to the next
   * @throws IndexOutOfBoundsException when an array is too short for its shape
   */
  public static void gemm(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      float alpha,
      float[] a,
      int aOff,
      int lda,
      float[] b,
      int bOff,
      int ldb,
      float beta,
      float[] c,
      int cOff,
      int ldc) {
    if (m == 0 || n == 0) {
      return;
    }
    check("A", a.length, aOff, transA ? k : m, transA ? m : k, lda);
    check("B", b.length, bOff, transB ? n : k, transB ? k : n, ldb);
    check("C", c.length, cOff, m, n, ldc);
    if (k == 0) {
      for (int i = 0; i < m; i++) {
        scale(beta, c, cOff + i * ldc, n);
      }
      return;
    }
    int least = transA ? PART_OF_WEIGHTS : PART;
    if ((long) m * n * k < WORTH_CUTTING || Math.max(m, n) < 2 * least) {
      sgemm(transA, transB, m, n, k, alpha, a, aOff, lda, b, bOff, ldb, beta, c, cOff, ldc);
    } else {
      inParts(
          least, transA, transB, m, n, k, alpha, a, aOff, lda, b, bOff, ldb, beta, c, cOff, ldc);
    }
  }

  private static void inParts(
      int least,
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      float alpha,
      float[] a,
      int aOff,
      int lda,
      float[] b,
      int bOff,
      int ldb,
      float beta,
      float[] c,
      int cOff,
      int ldc) {
    boolean byRows = m >= n;
    int length = byRows ? m : n;
    int parts = Math.min(Threads.MOST, length / least);
    // Whole tiles of the kernels.
    int part = (length / parts + 15) / 16 * 16;
    Threads.forEach(
        parts,
        i -> {
          int from = i * part;
          int size = i + 1 < parts ? part : length - from;
          int aFrom = byRows ? aOff + (transA ? from : from * lda) : aOff;
          int bFrom = byRows ? bOff : bOff + (transB ? from * ldb : from);
          int cFrom = cOff + (byRows ? from * ldc : from);
          int rows = byRows ? size : m;
          int columns = byRows ? n : size;
          sgemm(
              transA, transB, rows, columns, k, alpha, a, aFrom, lda, b, bFrom, ldb, beta, c, cFrom,
              ldc);
        });
  }

  /** As gemm, on one thread, for a k of at least 1 and arrays that are known to be long enough. */
  static void sgemm(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      float alpha,
      float[] a,
      int aOff,
      int lda,
      float[] b,
      int bOff,
      int ldb,
      float beta,
      float[] c,
      int cOff,
      int ldc) {
    Engine.PRODUCTS.sgemm(
        transA, transB, m, n, k, alpha, a, aOff, lda, b, bOff, ldb, beta, c, cOff, ldc);
  }

  /** A sum of nothing: what beta leaves of C, where 0 overwrites whatever was there. */
  private static void scale(float beta, float[] c, int off, int n) {
    if (beta == 0f) {
      Arrays.fill(c, off, off + n, 0f);
    } else {
      Kernels.scale(beta, c, off, n);
    }
  }

  private static void check(String name, int length, int offset, int rows, int cols, int stride) {
    if (rows < 0 || cols < 0 || stride < Math.max(1, cols)) {
      throw new IllegalArgumentException(
          "Matrix "
              + name
              + " of "
              + rows
              + " x "
              + cols
              + " has leading dimension "
              + stride
              + "; it must be at least "
              + cols);
    }
    if (offset < 0 || (rows > 0 && offset + (rows - 1L) * stride + cols > length)) {
      throw new IndexOutOfBoundsException(
          "Matrix "
              + name
              + " of "
              + rows
              + " x "
              + cols
              + " with leading dimension "
              + stride
              + " from offset "
              + offset
              + " does not fit an array of "
              + length);
    }
  }

  /** C[m,n] = A[m,k] B[k,n] on dense row-major arrays without offsets. */
  public static void multiply(int m, int n, int k, float[] a, float[] b, float[] c) {
    gemm(false, false, m, n, k, 1f, a, 0, k, b, 0, n, 0f, c, 0, n);
  }
}
