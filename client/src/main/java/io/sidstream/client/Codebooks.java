package io.sidstream.client;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * The codebooks of a token version, as the models topic has them: int32 levels; per level int32
 * metric (0 cosine, 1 Euclidean), K, D, then K x D float32; all big-endian.
 */
final class Codebooks {
  private final byte[] bytes;
  private final int dim;
  private final float[][] codewords;

  /**
   * Reads them.
   *
   * @throws IllegalArgumentException where the bytes are not codebooks of one dimension
   */
  Codebooks(byte[] bytes) {
    this.bytes = bytes;
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      int levels = in.getInt();
      if (levels < 1 || levels > 255) {
        throw new IllegalArgumentException("codebooks of " + levels + " levels; expected: 1..255");
      }
      codewords = new float[levels][];
      int d = -1;
      for (int l = 0; l < levels; l++) {
        in.getInt();
        int size = in.getInt();
        int dims = in.getInt();
        if (size < 1 || dims < 1 || 4L * size * dims > in.remaining() || (l > 0 && dims != d)) {
          throw new IllegalArgumentException(
              "codebook of level %d says %d codewords of %d dimensions, %d bytes are left"
                  .formatted(l + 1, size, dims, in.remaining()));
        }
        d = dims;
        codewords[l] = new float[size * dims];
        in.asFloatBuffer().get(codewords[l]);
        in.position(in.position() + 4 * size * dims);
      }
      dim = d;
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("codebooks end after " + bytes.length + " bytes", e);
    }
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
