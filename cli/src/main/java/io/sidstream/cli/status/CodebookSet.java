package io.sidstream.cli.status;

import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelParts;
import java.util.ArrayList;
import java.util.Arrays;
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
   * Joins the pieces of a part.
   *
   * @throws RuntimeException where they are malformed, see {@link ModelParts#join} and {@link
   *     CodebookFormat#read}
   */
  static CodebookSet of(Collection<ModelPart> pieces) {
    List<CodebookFormat.Level> levels = CodebookFormat.read(ModelParts.join(pieces));
    boolean[] cosine = new boolean[levels.size()];
    float[][][] codewords = new float[levels.size()][][];
    for (int l = 0; l < cosine.length; l++) {
      CodebookFormat.Level level = levels.get(l);
      cosine[l] = level.metric() == CodebookFormat.LevelMetric.COSINE;
      codewords[l] = new float[level.size()][];
      for (int k = 0; k < level.size(); k++) {
        codewords[l][k] =
            Arrays.copyOfRange(level.codewords(), k * level.dim(), (k + 1) * level.dim());
      }
    }
    return new CodebookSet(cosine, codewords);
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
