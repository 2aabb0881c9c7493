package io.sidstream.model.math;

import org.bytedeco.openblas.global.openblas;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's native library, loaded once in a JVM and kept to one thread: parallelism is that of the
 * callers, and two BLAS threads beside other load are several times slower than one.
 */
public final class Nd4jLibrary {
  private Nd4jLibrary() {}

  private static final class Loaded {
    static {
      Nd4j.getEnvironment().setMaxMasterThreads(1);
      Nd4j.getEnvironment().setMaxThreads(1);
      Nd4j.factory().blas().setMaxThreads(1);
      // Of the OpenBLAS that ND4J has loaded, which is another than that of the tuned products.
      openblas.blas_set_num_threads(1);
    }

    private Loaded() {}

    static void now() {
      // The static initialiser has done it.
    }
  }

  /**
   * Loads it; some seconds the first time that a user of the machine does it, as JavaCPP unpacks
   * 100 MB.
   *
   * @throws LinkageError when ND4J or its native library is not on the class path; it names what is
   *     missing
   */
  public static void load() {
    Loaded.now();
  }
}
