package io.sidstream.cli.encode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.CommandRun;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.file.Npy;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EncodeCommandTest {
  private static final int N = 5000;
  private static final int[] DIMS = {20, 30, 8};
  private static final int K = 40;

  @TempDir Path folder;

  @BeforeEach
  void modelAndVectors() throws IOException {
    Rng rng = new Rng(1);
    float[] cosine = gaussian(rng, K * 8);
    Kernels.normaliseRows(cosine, 0, K, 8);
    ResidualQuantizer quantizer =
        new ResidualQuantizer(
            List.of(
                new Codebook(Metric.COSINE, K, 8, cosine),
                new Codebook(Metric.EUCLIDEAN, K, 8, gaussian(rng, K * 8))));
    float[] weights = gaussian(rng, 21 * 30 + 31 * 8);
    TokenizerModel model = new TokenizerModel(DIMS, weights, quantizer, new float[2]);
    Files.write(folder.resolve("model.sidt"), model.toBytes());
    write(gaussian(rng, N * 20));
  }

  @Test
  void theOraclesCodesAreThoseOfTheJobButForNearTies() throws IOException {
    assertThat(encode("tuned").err()).isEmpty();
    int[] tuned = codes();
    float[] z = embedding();
    assertThat(encode("nd4j").err()).isEmpty();
    int[] plain = codes();
    float[] plainZ = embedding();
    int different = 0;
    for (int i = 0; i < N; i++) {
      if (tuned[2 * i] != plain[2 * i] || tuned[2 * i + 1] != plain[2 * i + 1]) {
        different++;
        continue;
      }
      for (int d = 8 * i; d < 8 * i + 8; d++) {
        assertThat(Math.abs(z[d] - plainZ[d])).isLessThan(1e-5f);
      }
    }
    assertThat(different).isLessThanOrEqualTo(N / 500);
    assertThat(tuned).as("codes that differ from row to row").contains(0, K - 1);
  }

  @Test
  void theOracleNamesARowThatIsTooLarge() throws IOException {
    float[] x = gaussian(new Rng(2), N * 20);
    x[4321 * 20] = 1e19f; // its square is a float, that of what the encoder makes of it is none
    write(x);
    CommandRun run = encode("nd4j");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("row 4321 has numbers too large");
  }

  @Test
  void namesTheEngines() {
    CommandRun run = encode("onnx");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("--engine").contains("TUNED").contains("ND4J");
  }

  private CommandRun encode(String engine) {
    return CommandRun.of(
        "encode",
        "--model",
        folder.resolve("model.sidt"),
        "--vectors",
        folder.resolve("x.npy"),
        "--out",
        folder.resolve("codes.npy"),
        "--embedding",
        folder.resolve("z.npy"),
        "--engine",
        engine);
  }

  private int[] codes() throws IOException {
    try (InputStream in = Files.newInputStream(folder.resolve("codes.npy"))) {
      return Npy.readInts(in).data();
    }
  }

  private float[] embedding() throws IOException {
    try (InputStream in = Files.newInputStream(folder.resolve("z.npy"))) {
      return Npy.readFloats(in).data();
    }
  }

  private void write(float[] x) throws IOException {
    try (OutputStream out = Files.newOutputStream(folder.resolve("x.npy"))) {
      Npy.write(out, x, N, 20);
    }
  }

  private static float[] gaussian(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
