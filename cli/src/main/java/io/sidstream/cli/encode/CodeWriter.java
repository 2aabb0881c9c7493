package io.sidstream.cli.encode;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.model.file.Npy;
import io.sidstream.model.quantize.EncodeResult;
import java.io.IOException;
import java.nio.file.Path;
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

  void encode(NpyVectors vectors, Encoder encoder) {
    float[] x = new float[Math.min(CHUNK, rows) * vectors.dim()];
    for (int from = 0; from < rows; from += CHUNK) {
      int n = Math.min(CHUNK, rows - from);
      vectors.read(from, n, x);
      EncodeResult result = encoder.encode(x, n);
      System.arraycopy(result.codes, 0, codes, from * levels, n * levels);
      System.arraycopy(result.z, 0, z, from * dim, n * dim);
    }
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
