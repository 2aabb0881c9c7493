package io.sidstream.model.content;

import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import java.util.List;

/**
 * Shape and loss of an {@link RqVae}.
 *
 * @param inputDim D_x, dimension of a content vector
 * @param hidden hidden sizes of the encoder; the decoder has them in reverse
 * @param dim D_2, dimension of z
 * @param codebookSize K, codewords a level
 * @param metrics the metric of each level, first level first
 * @param straightThrough how the gradient of z reaches the encoder
 * @param reconstruction weight of the reconstruction loss
 * @param commitment weight of the commitment loss
 */
public record RqVaeConfig(
    int inputDim,
    List<Integer> hidden,
    int dim,
    int codebookSize,
    List<Metric> metrics,
    StraightThrough straightThrough,
    float reconstruction,
    float commitment) {

  /** How the gradient of z passes the quantizer. */
  public enum StraightThrough {
    /**
     * To the input of every level, through the normalisation at a cosine level, as the authors'
     * code does.
     */
    PER_LEVEL,
    /**
     * As {@link #PER_LEVEL}, but what comes to a level is turned and scaled back by the rotation
     * that takes the level's input to its codeword (Fifty et al., arXiv 2410.06424), held constant:
     * the default of the library that the authors' code is built on since its version of October
     * 2024.
     */
    ROTATION,
    /** From z to the encoder's output in one step. */
    SINGLE
  }

  /** Checks each value. */
  public RqVaeConfig {
    hidden = List.copyOf(hidden);
    metrics = List.copyOf(metrics);
    positive("inputDim", inputDim);
    positive("dim", dim);
    for (int size : hidden) {
      positive("hidden", size);
    }
    if (codebookSize < 2 || codebookSize > Codebook.MAX_SIZE) {
      throw new IllegalArgumentException(
          "codebookSize is " + codebookSize + "; it must be in 2.." + Codebook.MAX_SIZE);
    }
    if (metrics.isEmpty()) {
      throw new IllegalArgumentException("metrics is empty; name the metric of at least one level");
    }
    if (!(reconstruction >= 0f)) {
      throw new IllegalArgumentException(
          "reconstruction is " + reconstruction + "; it must not be negative");
    }
    if (!(commitment >= 0f)) {
      throw new IllegalArgumentException(
          "commitment is " + commitment + "; it must not be negative");
    }
  }

  /**
   * The paper's: hidden 512 and 256, D_2 = 64, 3 levels of 256 codewords, cosine but for the last,
   * commitment 1.
   */
  public static RqVaeConfig paper(int inputDim) {
    return new RqVaeConfig(
        inputDim,
        List.of(512, 256),
        64,
        256,
        List.of(Metric.COSINE, Metric.COSINE, Metric.EUCLIDEAN),
        StraightThrough.PER_LEVEL,
        1f,
        1f);
  }

  /** Number of levels, L. */
  public int levels() {
    return metrics.size();
  }

  /** Input, hidden and output dimensions of the encoder. */
  public int[] encoderDims() {
    int[] dims = new int[hidden.size() + 2];
    dims[0] = inputDim;
    for (int i = 0; i < hidden.size(); i++) {
      dims[i + 1] = hidden.get(i);
    }
    dims[dims.length - 1] = dim;
    return dims;
  }

  /** Those of the decoder, which mirrors it. */
  public int[] decoderDims() {
    int[] dims = encoderDims();
    int[] mirrored = new int[dims.length];
    for (int i = 0; i < dims.length; i++) {
      mirrored[i] = dims[dims.length - 1 - i];
    }
    return mirrored;
  }

  private static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be positive");
    }
  }
}
