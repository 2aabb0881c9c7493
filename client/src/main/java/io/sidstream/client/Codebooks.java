package io.sidstream.client;

import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.CodebookFormat.Level;
import java.util.List;

/** The codebooks of a token version, as the models topic has them: see {@link CodebookFormat}. */
final class Codebooks {
  private final byte[] bytes;
  private final int dim;
  private final float[][] codewords;

  /**
   * Reads them.
   *
   * @throws IllegalArgumentException where the bytes are not codebooks
   */
  Codebooks(byte[] bytes) {
    this.bytes = bytes;
    List<Level> levels = CodebookFormat.read(bytes);
    dim = levels.get(0).dim();
    codewords = levels.stream().map(Level::codewords).toArray(float[][]::new);
  }

  byte[] bytes() {
    return bytes;
  }

  int dim() {
    return dim;
  }

  int levels() {
    return codewords.length;
  }

  int size(int level) {
    return codewords[level].length / dim;
  }

  /** Writes the sum of the codewords of the codes, {@code [dim]}, to the start of an array. */
  void sum(int[] codes, float[] to) {
    for (int l = 0; l < codes.length; l++) {
      if (l >= levels() || codes[l] >= size(l)) {
        throw new TokenTableException(
            "code %d of level %d is outside its codebook of %d"
                .formatted(codes[l], l + 1, l < levels() ? size(l) : 0));
      }
      int from = codes[l] * dim;
      for (int i = 0; i < dim; i++) {
        to[i] += codewords[l][from + i];
      }
    }
  }
}
