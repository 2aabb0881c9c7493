package io.sidstream.job.tokenize;

import java.io.Serializable;

/**
 * What {@link TokenizeOperator} needs of a tokenizer. An encoder belongs to one subtask and is used
 * by one thread; the results of a call are valid until the next one.
 */
public interface ItemEncoder {

  /** How the bytes of a {@link io.sidstream.job.train.TokenizerUpdate} become an encoder. */
  @FunctionalInterface
  interface Loader extends Serializable {
    ItemEncoder load(byte[] tokenizer);
  }

  /** Number of levels, at least 2. */
  int levels();

  /** Length of a content vector. */
  int dimension();

  /**
   * Encodes content vectors.
   *
   * @param x {@code [n, dimension]} row-major content vectors
   * @param n number of rows
   * @param previous {@code [n, levels]} codes to keep within the tokenizer's tolerance, -1 for
   *     none; null for none at all
   */
  void encode(float[] x, int n, int[] previous);

  /** Code of a row at a level. */
  int code(int row, int level);

  /** Distance to the chosen codeword, see ItemToken. */
  float distance(int row, int level);

  /** Distance to the best other codeword minus {@link #distance}. */
  float margin(int row, int level);

  /** All last-level codes: the chosen one, then the others, nearest first. */
  short[] candidates(int row);
}
