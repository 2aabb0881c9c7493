package io.sidstream.job.tokens;

import io.sidstream.job.tokenize.ItemEncoder;
import io.sidstream.job.train.TokenizerUpdate;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;

/**
 * A Euclidean residual quantizer of a few codewords in plain loops, so that collisions, full
 * prefixes and moves are frequent. Its bytes: dimension, levels, codewords, tolerance, then
 * codebooks {@code [levels, codewords, dimension]}.
 */
public final class TinyQuantizer implements ItemEncoder {
  public static final int DIMENSION = 4;
  public static final int LEVELS = 3;

  private final int codewords;
  private final float tolerance;
  private final float[] books;
  private int[] codes;
  private float[] distances;
  private float[] margins;
  private float[][] last;

  private TinyQuantizer(int codewords, float tolerance, float[] books) {
    this.codewords = codewords;
    this.tolerance = tolerance;
    this.books = books;
  }

  /** Codebooks of version v are those of v - 1, moved a little. */
  public static TokenizerUpdate update(long seed, int version, int codewords, float tolerance) {
    float[] books = new float[LEVELS * codewords * DIMENSION];
    for (int v = 1; v <= version; v++) {
      Random random = new Random(seed * 31 + v);
      for (int i = 0; i < books.length; i++) {
        float scale = 1f / (1 + i / (codewords * DIMENSION));
        books[i] += (float) random.nextGaussian() * scale * (v == 1 ? 1f : 0.3f);
      }
    }
    ByteBuffer bytes = ByteBuffer.allocate(8 + 4 * books.length);
    bytes.putInt(codewords).putFloat(tolerance);
    for (float b : books) {
      bytes.putFloat(b);
    }
    TokenizerUpdate update = new TokenizerUpdate();
    update.version = version;
    update.revision = 10L * version;
    update.tokenizer = bytes.array();
    return update;
  }

  public static TinyQuantizer load(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    int codewords = in.getInt();
    float tolerance = in.getFloat();
    float[] books = new float[LEVELS * codewords * DIMENSION];
    for (int i = 0; i < books.length; i++) {
      books[i] = in.getFloat();
    }
    return new TinyQuantizer(codewords, tolerance, books);
  }

  @Override
  public int levels() {
    return LEVELS;
  }

  @Override
  public int dimension() {
    return DIMENSION;
  }

  @Override
  public void encode(float[] x, int n, int[] previous) {
    codes = new int[n * LEVELS];
    distances = new float[n * LEVELS];
    margins = new float[n * LEVELS];
    last = new float[n][];
    for (int i = 0; i < n; i++) {
      float[] r = Arrays.copyOfRange(x, i * DIMENSION, (i + 1) * DIMENSION);
      for (int l = 0; l < LEVELS; l++) {
        float[] d = new float[codewords];
        int best = 0;
        for (int k = 0; k < codewords; k++) {
          for (int j = 0; j < DIMENSION; j++) {
            float e = r[j] - books[(l * codewords + k) * DIMENSION + j];
            d[k] += e * e;
          }
          best = d[k] < d[best] ? k : best;
        }
        int kept = previous == null ? -1 : previous[i * LEVELS + l];
        int code = kept >= 0 && d[kept] <= d[best] * (1 + tolerance) ? kept : best;
        float other = Float.MAX_VALUE;
        for (int k = 0; k < codewords; k++) {
          other = k == code ? other : Math.min(other, d[k]);
        }
        codes[i * LEVELS + l] = code;
        distances[i * LEVELS + l] = d[code];
        margins[i * LEVELS + l] = other - d[code];
        for (int j = 0; j < DIMENSION; j++) {
          r[j] -= books[(l * codewords + code) * DIMENSION + j];
        }
        last[i] = d;
      }
    }
  }

  @Override
  public int code(int row, int level) {
    return codes[row * LEVELS + level];
  }

  @Override
  public float distance(int row, int level) {
    return distances[row * LEVELS + level];
  }

  @Override
  public float margin(int row, int level) {
    return margins[row * LEVELS + level];
  }

  @Override
  public short[] candidates(int row) {
    int chosen = code(row, LEVELS - 1);
    Integer[] order = new Integer[codewords];
    Arrays.setAll(order, k -> k);
    Arrays.sort(
        order,
        (a, b) -> a == chosen ? -1 : b == chosen ? 1 : Float.compare(last[row][a], last[row][b]));
    short[] candidates = new short[codewords];
    for (int k = 0; k < codewords; k++) {
      candidates[k] = order[k].shortValue();
    }
    return candidates;
  }
}
