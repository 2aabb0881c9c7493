package io.sidstream.cli.status;

import io.sidstream.schemas.ModelPart;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** The codebooks of a token version, as the models topic has them. */
public final class CodebookSet {
  private final boolean[] cosine;
  private final float[][][] codewords;

  private CodebookSet(boolean[] cosine, float[][][] codewords) {
    this.cosine = cosine;
    this.codewords = codewords;
  }

  /**
   * A codeword and how far it is from another.
   *
   * @param code its number
   * @param distance 1 - cosine at a cosine level, squared Euclidean distance at the others
   */
  public record Neighbour(int code, double distance) {}

  /**
   * Joins the pieces: int32 levels; per level int32 metric (0 cosine, 1 Euclidean), K, D, then K x
   * D float32, big-endian.
   *
   * @throws IllegalArgumentException where they are malformed
   */
  static CodebookSet of(Collection<ModelPart> pieces) {
    ByteBuffer in =
        ByteBuffer.allocate(pieces.stream().mapToInt(p -> p.getData().remaining()).sum());
    pieces.forEach(p -> in.put(p.getData().duplicate()));
    in.flip();
    try {
      int levels = in.getInt();
      if (levels < 1 || levels > 255) {
        throw new IllegalArgumentException("codebooks of " + levels + " levels");
      }
      boolean[] cosine = new boolean[levels];
      float[][][] codewords = new float[levels][][];
      for (int l = 0; l < levels; l++) {
        cosine[l] = in.getInt() == 0;
        int size = in.getInt();
        int dim = in.getInt();
        if (size < 1 || dim < 1 || 4L * size * dim > in.remaining()) {
          throw new IllegalArgumentException(
              "level %d says %d codewords of %d".formatted(l + 1, size, dim));
        }
        codewords[l] = new float[size][dim];
        for (float[] codeword : codewords[l]) {
          in.asFloatBuffer().get(codeword);
          in.position(in.position() + 4 * dim);
        }
      }
      return new CodebookSet(cosine, codewords);
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("codebooks end too early", e);
    }
  }

  /** Number of levels. */
  public int levels() {
    return codewords.length;
  }

  /** Codewords of a level, from 0. */
  public int size(int level) {
    return codewords[level].length;
  }

  /** Whether a level measures by cosine. */
  public boolean cosine(int level) {
    return cosine[level];
  }

  /** z, the sum of the codewords of codes. */
  public float[] sum(int[] codes) {
    float[] z = new float[codewords[0][0].length];
    for (int l = 0; l < codes.length; l++) {
      float[] codeword = codewords[l][codes[l]];
      for (int d = 0; d < z.length; d++) {
        z[d] += codeword[d];
      }
    }
    return z;
  }

  /** The codewords of a level that are nearest to one of them, nearest first. */
  public List<Neighbour> nearest(int level, int code, int count) {
    float[] from = codewords[level][code];
    List<Neighbour> all = new ArrayList<>();
    for (int k = 0; k < codewords[level].length; k++) {
      if (k != code) {
        all.add(new Neighbour(k, distance(level, from, codewords[level][k])));
      }
    }
    all.sort(Comparator.comparingDouble(Neighbour::distance).thenComparingInt(Neighbour::code));
    return List.copyOf(all.subList(0, Math.min(count, all.size())));
  }

  private double distance(int level, float[] a, float[] b) {
    double dot = 0;
    double square = 0;
    double normA = 0;
    double normB = 0;
    for (int d = 0; d < a.length; d++) {
      dot += (double) a[d] * b[d];
      normA += (double) a[d] * a[d];
      normB += (double) b[d] * b[d];
      square += ((double) a[d] - b[d]) * ((double) a[d] - b[d]);
    }
    double norms = Math.sqrt(normA * normB);
    return !cosine[level] ? square : norms == 0 ? 1 : 1 - dot / norms;
  }
}
