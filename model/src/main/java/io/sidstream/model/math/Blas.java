package io.sidstream.model.math;

import dev.ludovic.netlib.blas.BLAS;
import dev.ludovic.netlib.blas.JavaBLAS;
import dev.ludovic.netlib.blas.NativeBLAS;
import java.io.File;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * The one door to matrix products: row-major {@code float[]} on the heap, with offsets and leading
 * dimensions, no copies.
 *
 * <p>The work is done by OpenBLAS, reached through netlib's JNI binding. The library is loaded by
 * the first call (safe from several threads) and checked once against plain Java, because old
 * OpenBLAS builds are known to compute wrong results on some processors; where a result is wrong
 * the class refuses to load.
 *
 * <p>A large product is computed in parts, rows or columns of C, that depend on its shape alone;
 * OpenBLAS computes each on one thread. So the bits are the same whatever the number of threads,
 * which its own threads, cutting a product by their number, do not give.
 *
 * <p>System property, read once: {@value #ENGINE_PROPERTY}{@code =java} takes the plain Java
 * implementation instead of the native one. {@link Threads} share the parts.
 */
public final class Blas {
  /** Property: {@code native} (default) or {@code java}. */
  public static final String ENGINE_PROPERTY = "sidstream.blas";

  /** Rows or columns of C that a part has at least: fewer pack an operand too often. */
  private static final int PART = 512;

  /** The same where A is transposed: a sum over a batch, whose C is as small as a layer. */
  private static final int PART_OF_WEIGHTS = 256;

  /** Multiplications of a product that is cut: some 0.1 ms, of which waking a thread takes half. */
  private static final long WORTH_CUTTING = 1L << 23;

  private static final int[] CHECKED_SIZES = {1, 7, 1021};

  private Blas() {}

  private static final class Engine {
    private static final Logger NETLIB =
        Logger.getLogger("dev.ludovic.netlib.blas.InstanceBuilder");

    static final BLAS BLAS = find();

    /**
     * netlib's {@code sgemm} behind its argument check, which takes the last row of a matrix to be
     * a whole leading dimension long and so refuses the right-hand columns of a matrix. {@link
     * Blas#gemm} checks exactly.
     */
    static final MethodHandle SGEMM = handle(BLAS);

    static {
      selfCheck();
    }

    private static BLAS find() {
      // netlib warns of each implementation that it does not find on the way to the one that it
      // does; what matters is said below.
      NETLIB.setLevel(Level.SEVERE);
      String engine = System.getProperty(ENGINE_PROPERTY, "native");
      return switch (engine) {
        case "native" -> loadNative();
        case "java" -> JavaBLAS.getInstance();
        default ->
            throw new IllegalStateException(
                "System property "
                    + ENGINE_PROPERTY
                    + " is '"
                    + engine
                    + "'; set it to 'native' or 'java'");
      };
    }

    private static MethodHandle handle(BLAS blas) {
      try {
        Class<?> type = Class.forName("dev.ludovic.netlib.blas.AbstractBLAS");
        return MethodHandles.privateLookupIn(type, MethodHandles.lookup())
            .findVirtual(
                type,
                "sgemmK",
                MethodType.methodType(
                    void.class,
                    String.class,
                    String.class,
                    int.class,
                    int.class,
                    int.class,
                    float.class,
                    float[].class,
                    int.class,
                    int.class,
                    float[].class,
                    int.class,
                    int.class,
                    float.class,
                    float[].class,
                    int.class,
                    int.class))
            .bindTo(blas);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(
            "This version of dev.ludovic.netlib:blas has no sgemmK; use the version that the project names",
            e);
      }
    }

    private static BLAS loadNative() {
      try {
        // The very file that JavaCPP has loaded: of a second copy, setting the number of threads
        // would know nothing.
        File folder = new File(Loader.load(openblas_nolapack.class)).getParentFile();
        File library = new File(folder, System.mapLibraryName("openblas_nolapack") + ".0");
        if (!library.isFile()) {
          library = new File(folder, System.mapLibraryName("openblas_nolapack"));
        }
        System.setProperty("dev.ludovic.netlib.blas.nativeLibPath", library.getPath());
        openblas.blas_set_num_threads(1);
        return NativeBLAS.getInstance();
      } catch (RuntimeException | LinkageError e) {
        throw new IllegalStateException(
            "Cannot load the native OpenBLAS for "
                + Loader.Detector.getPlatform()
                + ": put org.bytedeco:openblas and javacpp with this platform's classifier on the class path, or set -D"
                + ENGINE_PROPERTY
                + "=java for the slow plain Java products",
            e);
      }
    }
  }

  /**
   * Loads and checks the engine now, so that a wrong installation fails at start and not at the
   * first product.
   */
  public static String engine() {
    return Engine.BLAS instanceof NativeBLAS ? "native" : "java";
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

  /** As gemm, on one thread and for arrays that are known to be long enough. */
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
    String opA = transA ? "T" : "N";
    String opB = transB ? "T" : "N";
    try {
      // A row-major matrix is the transpose of a column-major one: C' = op(B)' op(A)'.
      Engine.SGEMM.invokeExact(
          opB, opA, n, m, k, alpha, b, bOff, ldb, a, aOff, lda, beta, c, cOff, ldc);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("sgemm failed", e);
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

  private static void selfCheck() {
    for (int m : CHECKED_SIZES) {
      for (int n : CHECKED_SIZES) {
        for (int k : CHECKED_SIZES) {
          // One dimension may be large at a time: the reference is a plain triple loop.
          if ((long) m * n * k > 60_000) {
            continue;
          }
          for (int t = 0; t < 4; t++) {
            selfCheck((t & 1) != 0, (t & 2) != 0, m, n, k);
          }
        }
      }
    }
    selfCheck(false, false, 61, 67, 71);
  }

  private static void selfCheck(boolean transA, boolean transB, int m, int n, int k) {
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
    gemm(transA, transB, m, n, k, 1f, a, 0, lda, b, 0, ldb, 0f, c, 0, n);
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
              "The BLAS library computes wrong products here: sgemm m="
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
                  + ENGINE_PROPERTY
                  + "=java");
        }
      }
    }
  }
}
