package io.sidstream.job.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions.EmbedPooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model of the user's own; here it is the smaller of the bundled ones, in a folder. */
class TextModelTest {
  private static final TextModel BUNDLED = new TextModel("minilm-quantized", EmbedPooling.MEAN, 32);
  private static final List<String> TEXTS = List.of("matte red lipstick", "shampoo for dry hair");

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    Files.write(folder.resolve("model.onnx"), BUNDLED.weights());
    Files.write(folder.resolve("tokenizer.json"), BUNDLED.tokenizer());
  }

  @Test
  void aFoldersVectorsAreThoseOfItsModel() {
    float[][] expected = embed(BUNDLED);
    assertThat(embed(new TextModel(folder.toString(), EmbedPooling.MEAN, 32))).isEqualTo(expected);
    float[][] first = embed(new TextModel(folder.toString(), EmbedPooling.CLS, 32));
    assertThat(first[0]).hasSize(384).isNotEqualTo(expected[0]);
    double square = 0;
    for (float v : first[0]) {
      square += (double) v * v;
    }
    assertThat(square).isBetween(.9999, 1.0001);
  }

  @Test
  void anotherModelInTheSameFolderIsAnotherModel() throws IOException {
    TextModel model = new TextModel(folder.toString(), EmbedPooling.MEAN, 32);
    String before = model.identity();
    assertThat(model.identity()).isEqualTo(before);
    assertThat(new TextModel(folder.toString(), EmbedPooling.CLS, 32).identity())
        .isNotEqualTo(before);
    Files.writeString(folder.resolve("model.onnx"), "another");
    assertThat(model.identity()).isNotEqualTo(before);
    // Digests in the state of jobs that are running were made of this.
    assertThat(BUNDLED.identity()).isEqualTo("MINILM_QUANTIZED 32 ");
  }

  @Test
  void theJobDoesNotStartWithVectorsOfAnotherLength() {
    assertThatThrownBy(() -> build(Map.of("content.dim", "100")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(
            "makes vectors of 384 and content.dim is 100; set content.dim to 384");
    assertThatCode(() -> build(Map.of())).doesNotThrowAnyException();
  }

  @Test
  void theJobDoesNotStartWithAModelThatItCannotUse() throws IOException {
    assertThatThrownBy(() -> build(Map.of("embed.pooling", "none")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("none of 2 dimensions; set embed.pooling to mean or cls");
    assertThatThrownBy(() -> build(Map.of("embed.model", "./no-such-folder")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("there is no file ./no-such-folder/model.onnx");
    Files.writeString(folder.resolve("model.onnx"), "not a model");
    assertThatThrownBy(() -> build(Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("the text model cannot be loaded");
    Files.delete(folder.resolve("tokenizer.json"));
    assertThatThrownBy(() -> build(Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("tokenizer.json; the folder needs model.onnx and tokenizer.json");
  }

  @Test
  void readsMaxTokensAndNoMore() {
    TextModel model = new TextModel(folder.toString(), EmbedPooling.MEAN, 12);
    try (OnnxTextEmbedder embedder = new OnnxTextEmbedder(model, 1)) {
      // [CLS] and [SEP] leave ten words.
      float[][] vectors =
          embedder.embed(
              List.of(
                  "word ".repeat(10), "word ".repeat(10) + "apple", "word ".repeat(9) + "apple"));
      assertThat(vectors[1]).isEqualTo(vectors[0]);
      assertThat(vectors[2]).isNotEqualTo(vectors[0]);
    }
  }

  private void build(Map<String, String> settings) {
    Map<String, String> all = new HashMap<>();
    all.put("embed.model", folder.toString());
    all.put("embed.max-tokens", "32");
    all.putAll(settings);
    SidstreamJob.build(StreamExecutionEnvironment.getExecutionEnvironment(), JobConfig.of(all));
  }

  private static float[][] embed(TextModel model) {
    try (OnnxTextEmbedder embedder = new OnnxTextEmbedder(model, 1)) {
      return embedder.embed(TEXTS);
    }
  }
}
