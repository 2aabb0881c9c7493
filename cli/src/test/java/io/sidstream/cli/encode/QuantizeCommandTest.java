package io.sidstream.cli.encode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.CommandRun;
import io.sidstream.model.file.Npy;
import io.sidstream.model.math.Rng;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeCommandTest {
  private static final int N = 300;
  private static final int K = 20;
  private static final int D = 6;
  @TempDir Path folder;

  @Test
  void equalsTheDefinition() throws IOException {
    float[] books = books(3);
    float[] vectors = gaussian(N * D, 2);
    write("cb.npy", books, 3, K, D);
    write("v.npy", vectors, N, D);
    CommandRun run = quantize("cosine,cosine,euclidean");
    assertThat(run.err()).isEmpty();
    try (InputStream in = Files.newInputStream(folder.resolve("codes.npy"))) {
      Npy.Ints codes = Npy.readInts(in);
      assertThat(codes.shape()).containsExactly(N, 3);
      assertThat(codes.data()).isEqualTo(expected(books, vectors));
    }
  }

  /** What was there under the name is as it was: another name of it shows that. */
  @Test
  void writesBesideTheFileThatItReplaces() throws IOException {
    write("cb.npy", books(3), 3, K, D);
    write("v.npy", gaussian(N * D, 2), N, D);
    Path old = Files.writeString(folder.resolve("codes.npy"), "old");
    Path kept = Files.createLink(folder.resolve("kept"), old);
    assertThat(quantize("cosine,cosine,euclidean").err()).isEmpty();
    assertThat(kept).hasContent("old");
    assertThat(Files.size(old)).isGreaterThan(N * 3 * Integer.BYTES);
    assertThat(Files.list(folder)).hasSize(4);
  }

  @Test
  void namesFileShapeAndWhatIsExpected() throws IOException {
    write("cb.npy", books(3), 3, K, D);
    write("v.npy", gaussian(N * 5, 2), N, 5);
    assertUsage("v.npy has shape (300, 5); the codebooks of", "cosine,cosine,euclidean");
    assertUsage("expect (N, 6)", "cosine,cosine,euclidean");
    assertUsage("(3, 20, 6), so 3 levels; --metrics names 2", "cosine,euclidean");
    assertUsage("manhattan", "cosine,cosine,manhattan");
    write("v.npy", gaussian(N * D, 2), N, D);
    assertUsage("level 3 (cosine): Codeword 0 of a cosine level", "cosine,cosine,cosine");
    write("cb.npy", books(3), 3 * K, D);
    assertUsage("cb.npy has shape (60, 6); expected (L, K, D)", "cosine,cosine,euclidean");
    float[] broken = gaussian(N * D, 2);
    broken[7 * D] = Float.POSITIVE_INFINITY;
    write("cb.npy", books(3), 3, K, D);
    write("v.npy", broken, N, D);
    assertUsage("(300, 6) has Infinity in row 7, column 0", "cosine,cosine,euclidean");
    Files.delete(folder.resolve("cb.npy"));
    assertUsage("cb.npy is not a file", "cosine,cosine,euclidean");
  }

  private void assertUsage(String message, String metrics) {
    CommandRun run = quantize(metrics);
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }

  private CommandRun quantize(String metrics) {
    return CommandRun.of(
        "quantize",
        "--codebooks",
        folder.resolve("cb.npy"),
        "--metrics",
        metrics,
        "--vectors",
        folder.resolve("v.npy"),
        "--out",
        folder.resolve("codes.npy"));
  }

  private void write(String name, float[] data, int... shape) throws IOException {
    try (OutputStream out = Files.newOutputStream(folder.resolve(name))) {
      Npy.write(out, data, shape);
    }
  }

  /** Rows of unit norm but at the last level. */
  private static float[] books(int levels) {
    float[] books = gaussian(levels * K * D, 1);
    for (int row = 0; row < (levels - 1) * K; row++) {
      double norm = 0;
      for (int d = 0; d < D; d++) {
        norm += books[row * D + d] * books[row * D + d];
      }
      for (int d = 0; d < D; d++) {
        books[row * D + d] /= (float) Math.sqrt(norm);
      }
    }
    return books;
  }

  private static float[] gaussian(int n, long seed) {
    Rng rng = new Rng(seed);
    float[] out = new float[n];
    for (int i = 0; i < n; i++) {
      out[i] = rng.nextGaussian();
    }
    return out;
  }

  /** In double precision, by the letter; random data have no near ties. */
  private static int[] expected(float[] books, float[] vectors) {
    int[] codes = new int[N * 3];
    for (int i = 0; i < N; i++) {
      double[] r = new double[D];
      for (int d = 0; d < D; d++) {
        r[d] = vectors[i * D + d];
      }
      for (int l = 0; l < 3; l++) {
        double[] scores = new double[K];
        for (int k = 0; k < K; k++) {
          for (int d = 0; d < D; d++) {
            double c = books[(l * K + k) * D + d];
            // The norm of r scales every cosine alike, so it does not matter for the largest.
            scores[k] += l < 2 ? -r[d] * c : (r[d] - c) * (r[d] - c);
          }
        }
        double least = Arrays.stream(scores).min().orElseThrow();
        int best = 0;
        while (scores[best] > least) {
          best++;
        }
        codes[i * 3 + l] = best;
        for (int d = 0; d < D; d++) {
          r[d] -= books[(l * K + best) * D + d];
        }
      }
    }
    return codes;
  }
}
