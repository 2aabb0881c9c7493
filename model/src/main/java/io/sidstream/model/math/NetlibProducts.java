package io.sidstream.model.math;

import dev.ludovic.netlib.blas.BLAS;
import dev.ludovic.netlib.blas.JavaBLAS;
import dev.ludovic.netlib.blas.NativeBLAS;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.openblas.global.openblas_nolapack;

/** netlib's products on the heap: OpenBLAS through its JNI binding, and its own in plain Java. */
final class NetlibProducts implements Products {
  // netlib warns of each implementation that it does not find on the way to the one that it does;
  // held on to, as a level set on a logger that nobody holds is forgotten.
  private static final Logger NETLIB = Logger.getLogger("dev.ludovic.netlib.blas.InstanceBuilder");

  private final String name;
  private final String description;
  private final BLAS blas;

  private NetlibProducts(String name, String description, BLAS blas) {
    this.name = name;
    this.description = description;
    this.blas = blas;
  }

  /** OpenBLAS by way of JavaCPP, on one thread. */
  static Products openBlas() {
    NETLIB.setLevel(Level.SEVERE);
    // The very file that JavaCPP has loaded: of a second copy, setting the number of threads would
    // know nothing.
    Path library = library(Path.of(Loader.load(openblas_nolapack.class)).getParent());
    System.setProperty("dev.ludovic.netlib.blas.nativeLibPath", library.toString());
    openblas.blas_set_num_threads(1);
    BLAS blas = NativeBLAS.getInstance();
    String description =
        openblas_nolapack.OPENBLAS_VERSION.trim() + " on " + Loader.Detector.getPlatform();
    return new NetlibProducts("openblas", description, blas);
  }

  /** Such as libopenblas_nolapack.so.0, libopenblas.0.dylib or libopenblas.dll. */
  private static Path library(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(
              file ->
                  file.getFileName()
                      .toString()
                      .matches("(lib)?openblas(_nolapack)?(\\.so|\\.so\\.0|\\.0\\.dylib|\\.dll)"))
          // Of the two names JavaCPP has loaded the longer one; .so is a link to .so.0.
          .max(Comparator.comparing(file -> file.getFileName().toString().length()))
          .orElseThrow(
              () -> new IllegalStateException("JavaCPP has put no OpenBLAS into " + folder));
    } catch (IOException e) {
      throw new UncheckedIOException("The folder of OpenBLAS cannot be read", e);
    }
  }

  /** Plain Java, with the Vector API where the JVM was started with it. */
  static Products java() {
    NETLIB.setLevel(Level.SEVERE);
    // Else netlib looks for a library of the system first, and complains where there is none.
    System.setProperty("dev.ludovic.netlib.blas.allowNative", "false");
    BLAS blas = JavaBLAS.getInstance();
    return new NetlibProducts("java", "netlib's " + blas.getClass().getSimpleName(), blas);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public void sgemm(
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
    // A row-major matrix is the transpose of a column-major one: C' = op(B)' op(A)'.
    blas.sgemm(opB, opA, n, m, k, alpha, b, bOff, ldb, a, aOff, lda, beta, c, cOff, ldc);
  }
}
