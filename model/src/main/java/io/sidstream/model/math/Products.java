package io.sidstream.model.math;

/** One way to compute matrix products, for any number of threads at a time. */
interface Products {
  /** As {@link Blas#provider} says it. */
  String name();

  /** What the log says: library, version, processor. */
  String description();

  /**
   * C = alpha op(A) op(B) + beta C as {@link Blas#gemm}, all dimensions at least 1, on the caller's
   * thread, on arrays that are known to be long enough. Where beta is 0 C is overwritten, whatever
   * it holds.
   */
  void sgemm(
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
      int ldc);
}
