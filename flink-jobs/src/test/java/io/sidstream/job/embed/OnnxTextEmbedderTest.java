package io.sidstream.job.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.config.JobOptions.EmbedPooling;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxTextEmbedderTest {
  private static final List<String> TEXTS =
      List.of(
          "A red lipstick with a matte finish",
          "x",
          "Matte red lip colour",
          "Shampoo for dry hair, 500 ml",
          "word ".repeat(400),
          "\ud83d\ude80 \u53e3\u7d05 \u0000 \ud800 unpaired",
          "");

  @ParameterizedTest
  @ValueSource(strings = {"minilm", "minilm-quantized"})
  void vectorsHaveNormOneAndDoNotDependOnTheBatch(String model) {
    try (OnnxTextEmbedder embedder = embedder(model, 128)) {
      float[][] together = embedder.embed(TEXTS);
      for (int i = 0; i < TEXTS.size(); i++) {
        float[] alone = embedder.embed(List.of(TEXTS.get(i)))[0];
        assertThat(dot(alone, alone)).isBetween(.9999, 1.0001);
        assertThat(dot(alone, together[i])).as(TEXTS.get(i)).isGreaterThan(.999999);
      }
      assertThat(dot(together[0], together[2])).isGreaterThan(dot(together[0], together[3]) + .2);
    }
  }

  @Test
  void readsMaxTokensAndNoMore() {
    try (OnnxTextEmbedder embedder = embedder("minilm", 12)) {
      // [CLS] and [SEP] leave ten words.
      float[][] vectors =
          embedder.embed(
              List.of(
                  "word ".repeat(10), "word ".repeat(10) + "apple", "word ".repeat(9) + "apple"));
      assertThat(dot(vectors[0], vectors[1])).isGreaterThan(.999999);
      assertThat(dot(vectors[0], vectors[2])).isLessThan(.99);
    }
  }

  @Test
  void agreesWithTheStoredVectors() throws IOException {
    Path folder = Path.of(System.getProperty("sidstream.shared", "")).resolve("data/amazon-beauty");
    assumeThat(Files.exists(folder.resolve("minilm-l6-v2.f16.npy")))
        .as("the system property sidstream.shared names a folder with data/amazon-beauty")
        .isTrue();
    List<String> texts = new ArrayList<>();
    List<Integer> rows = new ArrayList<>();
    ObjectMapper json = new ObjectMapper();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(folder.resolve("items.jsonl.gz"))),
                StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode item = json.readTree(line);
        if (item.get("idx").asInt() % 300 == 1) {
          texts.add(item.get("text").asText());
          rows.add(item.get("idx").asInt() - 1);
        }
      }
    }
    assertThat(texts).hasSizeGreaterThan(30);
    try (OnnxTextEmbedder embedder = embedder("minilm", 128);
        RandomAccessFile npy =
            new RandomAccessFile(folder.resolve("minilm-l6-v2.f16.npy").toFile(), "r")) {
      float[][] vectors = embedder.embed(texts);
      for (int i = 0; i < vectors.length; i++) {
        assertThat(dot(vectors[i], row(npy, rows.get(i)))).as(texts.get(i)).isGreaterThan(.999);
      }
    }
  }

  private static OnnxTextEmbedder embedder(String model, int maxTokens) {
    return new OnnxTextEmbedder(new TextModel(model, EmbedPooling.MEAN, maxTokens), 1);
  }

  /** A row of a float16 array in NumPy's format 1. */
  private static float[] row(RandomAccessFile npy, int row) throws IOException {
    byte[] head = new byte[10];
    npy.seek(0);
    npy.readFully(head);
    int header = 10 + (ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getShort(8) & 0xFFFF);
    byte[] bytes = new byte[2 * JobOptions.BUNDLED_TEXT_DIM];
    npy.seek(header + (long) row * bytes.length);
    npy.readFully(bytes);
    ByteBuffer halves = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    float[] vector = new float[JobOptions.BUNDLED_TEXT_DIM];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = toFloat(halves.getShort() & 0xFFFF);
    }
    return vector;
  }

  /** A half-precision number. */
  private static float toFloat(int half) {
    int exponent = half >>> 10 & 0x1F;
    int fraction = half & 0x3FF;
    float value =
        exponent == 0 ? fraction * 0x1p-24f : Math.scalb(1 + fraction * 0x1p-10f, exponent - 15);
    return (half & 0x8000) == 0 ? value : -value;
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }
}
