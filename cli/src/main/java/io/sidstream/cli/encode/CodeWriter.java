package io.sidstream.cli.encode;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.model.file.Npy;
import io.sidstream.model.quantize.EncodeResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Encodes a file of vectors chunk by chunk, and writes codes and embeddings. */
final class CodeWriter {
  private static final int CHUNK = 4096;

  /** What encodes a chunk. */
  interface Encoder {
    /**
     * Encodes.
     *
     * @param x [n, dim]
     */
    EncodeResult encode(float[] x, int n);
  }

  private final int rows;
  private final int levels;
  private final int dim;
  private final int[] codes;
  private final float[] z;

  /**
   * Room for the results.
   *
   * @param dim width of an embedding; 0 where none is wanted
   */
  CodeWriter(int rows, int levels, int dim) {
    this.rows = rows;
    this.levels = levels;
    this.dim = dim;
    codes = new int[Math.multiplyExact(rows, levels)];
    z = new float[Math.multiplyExact(rows, dim)];
  }

  /**
   * Encodes all rows.
   *
   * @throws UsageException naming the row that no encoder can take
   */
  void encode(NpyVectors vectors, Encoder encoder) {
    float[] x = new float[Math.min(CHUNK, rows) * vectors.dim()];
    for (int from = 0; from < rows; from += CHUNK) {
      int n = Math.min(CHUNK, rows - from);
      vectors.read(from, n, x);
      EncodeResult result;
      try {
        result = encoder.encode(x, n);
      } catch (IllegalArgumentException e) {
        throw named(from, x, n, vectors.dim(), encoder, e);
      }
      System.arraycopy(result.codes, 0, codes, from * levels, n * levels);
      System.arraycopy(result.z, 0, z, from * dim, n * dim);
    }
  }

  /** Finds the row by encoding one at a time. */
  private static UsageException named(
      int from, float[] x, int n, int dim, Encoder encoder, IllegalArgumentException chunk) {
    for (int i = 0; i < n; i++) {
      try {
        encoder.encode(Arrays.copyOfRange(x, i * dim, (i + 1) * dim), 1);
      } catch (IllegalArgumentException e) {
        return new UsageException(
            "--vectors: row "
                + (from + i)
                + " has numbers too large: a residual of it cannot be squared; normalise the vectors");
      }
    }
    throw chunk;
  }

  void write(Path codesFile, Path embeddingFile) throws IOException {
    Map<Path, OutputFile.Content> files = new LinkedHashMap<>();
    files.put(codesFile, out -> Npy.write(out, codes, rows, levels));
    if (embeddingFile != null) {
      files.put(embeddingFile, out -> Npy.write(out, z, rows, dim));
    }
    OutputFile.write(files);
  }
}
