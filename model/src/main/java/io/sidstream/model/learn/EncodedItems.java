package io.sidstream.model.learn;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.ResidualQuantizer;
import io.sidstream.model.train.ItemTable;
import java.util.Arrays;

/**
 * Codes and z that the rows of a table have under a tokenizer; the table itself is not changed.
 *
 * @param codes by row [size, L], -1 where the row is not known
 * @param z by row [size, D_2]
 */
record EncodedItems(int[] codes, float[] z) {
  private static final int CHUNK = 1024;

  /** Room for all rows. */
  private EncodedItems(ItemTable items, int levels, int dim) {
    this(new int[items.size() * levels], new float[items.size() * dim]);
    Arrays.fill(codes, -1);
  }

  /** f(x) by row [size, D_2]. */
  static float[] encoderOutput(TokenizerModel tokenizer, ItemTable items) {
    float[] f = new float[items.size() * tokenizer.dim()];
    float[] one = new float[CHUNK * tokenizer.dim()];
    EncodeResult memory = new EncodeResult();
    int[] rows = known(items);
    for (int from = 0; from < rows.length; from += CHUNK) {
      int[] some = Arrays.copyOfRange(rows, from, Math.min(rows.length, from + CHUNK));
      tokenizer.encoderOutput(
          gather(items.content(), some, items.contentDim()), some.length, one, 0, memory);
      scatter(one, some, tokenizer.dim(), f);
    }
    return f;
  }

  /**
   * Items as a candidate has them.
   *
   * @param f as of {@link #encoderOutput}
   * @param tolerance within which codes of the table are kept; null for the nearest of all
   */
  static EncodedItems candidate(
      ResidualQuantizer quantizer, float[] f, ItemTable items, float[] tolerance) {
    int levels = quantizer.levels();
    int dim = quantizer.dim();
    EncodedItems encoded = new EncodedItems(items, levels, dim);
    EncodeResult result = new EncodeResult();
    int[] rows = known(items);
    for (int from = 0; from < rows.length; from += CHUNK) {
      int[] some = Arrays.copyOfRange(rows, from, Math.min(rows.length, from + CHUNK));
      int[] before = tolerance == null ? null : gather(items.codes(), some, levels);
      quantizer.encode(gather(f, some, dim), some.length, before, tolerance, result);
      encoded.put(some, result, levels, dim);
    }
    return encoded;
  }

  /**
   * Items as the tokenizer in use has them: by their codes, or the nearest where they have none.
   */
  static EncodedItems inUse(TokenizerModel tokenizer, ItemTable items) {
    int levels = tokenizer.levels();
    int dim = tokenizer.dim();
    EncodedItems encoded = new EncodedItems(items, levels, dim);
    EncodeResult result = new EncodeResult();
    for (int row : known(items)) {
      if (items.encoded(row)) {
        for (int l = 0; l < levels; l++) {
          int code = items.codes()[row * levels + l];
          encoded.codes[row * levels + l] = code;
          Codebook book = tokenizer.quantizer().codebook(l);
          book.addTo(code, 1f, encoded.z, row * dim);
        }
      } else {
        int[] one = {row};
        tokenizer.encode(gather(items.content(), one, items.contentDim()), 1, null, result);
        encoded.put(one, result, levels, dim);
      }
    }
    return encoded;
  }

  private void put(int[] rows, EncodeResult result, int levels, int dim) {
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(result.codes, i * levels, codes, rows[i] * levels, levels);
    }
    scatter(result.z, rows, dim, z);
  }

  private static int[] known(ItemTable items) {
    int[] rows = new int[items.knownCount()];
    Arrays.setAll(rows, items::knownAt);
    return rows;
  }

  static float[] gather(float[] all, int[] rows, int width) {
    float[] some = new float[rows.length * width];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(all, rows[i] * width, some, i * width, width);
    }
    return some;
  }

  static int[] gather(int[] all, int[] rows, int width) {
    int[] some = new int[rows.length * width];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(all, rows[i] * width, some, i * width, width);
    }
    return some;
  }

  private static void scatter(float[] some, int[] rows, int width, float[] all) {
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(some, i * width, all, rows[i] * width, width);
    }
  }
}
