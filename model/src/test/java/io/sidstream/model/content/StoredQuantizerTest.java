package io.sidstream.model.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.StoredFile;
import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The tokenizer and the quantizer's state as they were written; see {@link StoredFile}. */
class StoredQuantizerTest {
  private static final String TOKENIZER = "tokenizer-1.sidt";
  private static final String STATE = "rqvae-state-1.bin";

  private static final float[] COSINE_WORDS = {1, 0, 0, 1};
  private static final float[] EUCLIDEAN_WORDS = {0.5f, -1, 2, 0.25f};
  private static final RqVaeConfig CONFIG =
      new RqVaeConfig(
          2,
          List.of(3),
          2,
          2,
          List.of(Metric.COSINE, Metric.EUCLIDEAN),
          StraightThrough.PER_LEVEL,
          1f,
          1f);
  private static final float RATE = 0.01f;

  private static List<Codebook> books() {
    return List.of(
        new Codebook(Metric.COSINE, 2, 2, COSINE_WORDS),
        new Codebook(Metric.EUCLIDEAN, 2, 2, EUCLIDEAN_WORDS));
  }

  private static TokenizerModel tokenizer() {
    float[] weights = new float[17];
    for (int i = 0; i < 17; i++) {
      weights[i] = 0.25f * i - 1;
    }
    return new TokenizerModel(
        new int[] {2, 3, 2}, weights, new ResidualQuantizer(books()), new float[] {0.125f, 0.5f});
  }

  /** Two steps of Adam, each with the gradients of {@link #gradient}. */
  private static RqVae quantizer() {
    RqVae vae = new RqVae(CONFIG, new Rng(1));
    vae.setCodebooks(books(), List.of(new float[] {3, 5}, new float[] {2.5f, 7}));
    for (int i = 0; i < vae.parameters().length; i++) {
      vae.parameters()[i] = i / 8f;
    }
    step(vae, 1f);
    step(vae, 1f);
    return vae;
  }

  private static void step(RqVae vae, float factor) {
    vae.forwardTrain(new float[] {1, 2}, 1);
    vae.backward(null);
    for (int i = 0; i < vae.gradients().length; i++) {
      vae.gradients()[i] = factor * gradient(i);
    }
    vae.applyGradients(RATE);
  }

  private static float gradient(int i) {
    return (i % 2 == 0 ? 1 : -1) * (1 + i % 7);
  }

  /** Writes the files of the present formats into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredFile.write(arguments[0], TOKENIZER, tokenizer().toBytes());
    StoredFile.write(arguments[0], STATE, StoredFile.bytes(quantizer()::writeState));
  }

  @Test
  void tokenizerOfFormat1() throws IOException {
    TokenizerModel read = TokenizerModel.fromBytes(StoredFile.read(TOKENIZER));
    assertThat(read.digest())
        .isEqualTo("706952965fe4436ff2f1b63999887ade0cd4924332bbeae29aa40de3269f3166");
    assertThat(read.inputDim()).isEqualTo(2);
    assertThat(read.dim()).isEqualTo(2);
    assertThat(read.tolerance()).containsExactly(0.125f, 0.5f);
    assertBooks(read.quantizer());
    // h = relu(x W + b), f = h V + c; all numbers are multiples of 1/4 and exact.
    EncodeResult out = new EncodeResult();
    read.encode(new float[] {1, 2, -3, 0.5f}, 2, null, out);
    for (int i = 0; i < 2; i++) {
      float[] x = i == 0 ? new float[] {1, 2} : new float[] {-3, 0.5f};
      float[] f = {0.25f * 15 - 1, 0.25f * 16 - 1};
      for (int j = 0; j < 3; j++) {
        float h = x[0] * (0.25f * j - 1) + x[1] * (0.25f * (3 + j) - 1) + (0.25f * (6 + j) - 1);
        h = Math.max(0, h);
        f[0] += h * (0.25f * (9 + 2 * j) - 1);
        f[1] += h * (0.25f * (10 + 2 * j) - 1);
      }
      int first = f[0] >= f[1] ? 0 : 1;
      float a = f[0] - COSINE_WORDS[2 * first];
      float b = f[1] - COSINE_WORDS[2 * first + 1];
      int second = square(a - 0.5f) + square(b + 1) <= square(a - 2) + square(b - 0.25f) ? 0 : 1;
      assertThat(out.codes[2 * i]).isEqualTo(first);
      assertThat(out.codes[2 * i + 1]).isEqualTo(second);
      assertThat((double) out.distances[2 * i + 1])
          .isCloseTo(
              square(a - EUCLIDEAN_WORDS[2 * second]) + square(b - EUCLIDEAN_WORDS[2 * second + 1]),
              within(1e-4));
    }
  }

  @Test
  void quantizerStateOfTrainerFormats1To3() throws IOException {
    RqVae vae = new RqVae(CONFIG, new Rng(99));
    try (DataInputStream in = StoredFile.open(STATE)) {
      vae.readState(in);
      assertThat(in.available()).isZero();
    }
    assertBooks(vae.quantizer());
    float[] before = vae.parameters().clone();
    for (int i = 0; i < before.length; i++) {
      // Of a gradient that does not change, Adam's step is the rate.
      assertThat(before[i])
          .as("parameter %d", i)
          .isCloseTo(i / 8f - 2 * RATE * Math.signum(gradient(i)), within(1e-5f));
    }
    assertThat(StoredFile.bytes(vae::writeState)).isEqualTo(StoredFile.read(STATE));
    // Against both moments and their correction: m = 0.9 (1 - 0.9²) g - 0.1 g.
    step(vae, -1f);
    double m = (0.9 * (1 - 0.81) - 0.1) / (1 - 0.729);
    for (int i = 0; i < before.length; i++) {
      assertThat((double) before[i] - vae.parameters()[i])
          .as("parameter %d", i)
          .isCloseTo(RATE * m * Math.signum(gradient(i)), within(1e-5));
    }
  }

  private static void assertBooks(ResidualQuantizer quantizer) {
    assertThat(quantizer.levels()).isEqualTo(2);
    assertThat(quantizer.codebook(0).metric()).isEqualTo(Metric.COSINE);
    assertThat(quantizer.codebook(0).codewords()).isEqualTo(COSINE_WORDS);
    assertThat(quantizer.codebook(1).metric()).isEqualTo(Metric.EUCLIDEAN);
    assertThat(quantizer.codebook(1).codewords()).isEqualTo(EUCLIDEAN_WORDS);
  }

  private static double square(float x) {
    return (double) x * x;
  }
}
