package io.sidstream.model.quantize;

/** How a level finds the codeword of a residual. */
public enum Metric {
  /**
   * argmax of the inner product of the normalised residual with unit codewords; distance 1 -
   * cosine.
   */
  COSINE,
  /** argmin of the squared Euclidean distance. */
  EUCLIDEAN
}
