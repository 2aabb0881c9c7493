package io.sidstream.schemas;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The part {@link ModelPartKind#CODEBOOKS}: the codewords of every level of a token version.
 * Big-endian:
 *
 * <pre>
 * "SIDC"  int32 format (1)  int32 levels (1..255)
 * per level: int32 metric (0 cosine, 1 Euclidean), int32 K, int32 D, K x D float32
 * </pre>
 */
public final class CodebookFormat {
  /** "SIDC". */
  private static final int MAGIC = 0x53494443;

  private static final int FORMAT = 1;
  private static final int MAX_LEVELS = 255;
  private static final int LEVEL_HEAD = 12;

  private CodebookFormat() {}

  /** How a level chooses its codeword; the ordinal is what the format holds. */
  public enum LevelMetric {
    /** The largest cosine with the residual. */
    COSINE,
    /** The least squared distance from the residual. */
    EUCLIDEAN
  }

  /**
   * One level.
   *
   * @param size codewords, K
   * @param dim numbers of a codeword, D
   * @param codewords {@code [size, dim]}, row-major
   */
  public record Level(LevelMetric metric, int size, int dim, float[] codewords) {
    /** Checks that the shape is that of the numbers. */
    public Level {
      if (size < 1 || dim < 1 || codewords.length != (long) size * dim) {
        throw new IllegalArgumentException(
            "a codebook says %d codewords of %d numbers, %d numbers are given"
                .formatted(size, dim, codewords.length));
      }
    }
  }

  /** Writes the levels, first level first. */
  public static byte[] write(List<Level> levels) {
    if (levels.isEmpty() || levels.size() > MAX_LEVELS) {
      throw new IllegalArgumentException(
          "codebooks of %d levels; expected: 1..%d".formatted(levels.size(), MAX_LEVELS));
    }
    long length = 12;
    for (Level level : levels) {
      if (level.dim() != levels.get(0).dim()) {
        throw new IllegalArgumentException(
            "codewords of %d and of %d numbers; expected: all levels alike"
                .formatted(levels.get(0).dim(), level.dim()));
      }
      length += LEVEL_HEAD + 4L * level.codewords().length;
    }
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(length));
    out.putInt(MAGIC).putInt(FORMAT).putInt(levels.size());
    for (Level level : levels) {
      out.putInt(level.metric().ordinal()).putInt(level.size()).putInt(level.dim());
      out.asFloatBuffer().put(level.codewords());
      out.position(out.position() + 4 * level.codewords().length);
    }
    return out.array();
  }

  /**
   * Reads what {@link #write} wrote; takes no more memory than the bytes do.
   *
   * @return the levels, all of one dimension
   * @throws ModelPartException saying what is wrong with bytes that are foreign, truncated, longer
   *     than their codebooks or of a newer format
   */
  public static List<Level> read(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (bytes.length < 12 || in.getInt() != MAGIC) {
      throw new ModelPartException(
          "not codebooks: %d bytes that do not start with SIDC; were they published by an earlier build?"
              .formatted(bytes.length));
    }
    int format = in.getInt();
    if (format != FORMAT) {
      throw new ModelPartException(
          "codebooks of format %d; this version reads format %d".formatted(format, FORMAT));
    }
    int count = in.getInt();
    if (count < 1 || count > MAX_LEVELS) {
      throw new ModelPartException(
          "codebooks of %d levels; expected: 1..%d".formatted(count, MAX_LEVELS));
    }
    List<Level> levels = new ArrayList<>();
    for (int l = 0; l < count; l++) {
      levels.add(level(in, l + 1, l == 0 ? 0 : levels.get(0).dim()));
    }
    if (in.hasRemaining()) {
      throw new ModelPartException(
          "codebooks have %d bytes behind their last level".formatted(in.remaining()));
    }
    return levels;
  }

  /** Reads a level; {@code dim} is that of the first, or 0. */
  private static Level level(ByteBuffer in, int number, int dim) {
    if (in.remaining() < LEVEL_HEAD) {
      throw new ModelPartException(
          "codebooks end within level %d, after %d bytes".formatted(number, in.limit()));
    }
    int metric = in.getInt();
    int k = in.getInt();
    int d = in.getInt();
    if (metric < 0 || metric >= LevelMetric.values().length) {
      throw new ModelPartException(
          "the codebook of level %d has metric %d; expected: 0 (cosine) or 1 (Euclidean)"
              .formatted(number, metric));
    }
    if (k < 1 || d < 1 || (long) k * d > in.remaining() / 4 || (dim > 0 && d != dim)) {
      throw new ModelPartException(
          "the codebook of level %d says %d codewords of %d numbers, %d bytes are left%s"
              .formatted(number, k, d, in.remaining(), dim > 0 ? ", the first has " + dim : ""));
    }
    float[] codewords = new float[k * d];
    in.asFloatBuffer().get(codewords);
    in.position(in.position() + 4 * codewords.length);
    return new Level(LevelMetric.values()[metric], k, d, codewords);
  }
}
