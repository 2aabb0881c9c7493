package io.sidstream.cli.ui;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.embed.TextVectors;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.embed.TextEmbedder;
import java.util.List;

/** The vector that the job makes of a text; the model is loaded with the first one. Any thread. */
final class TextVectorizer implements AutoCloseable {
  private final JobConfig config;
  private TextEmbedder embedder;
  private String lastText;
  private float[] lastVector;
  private boolean closed;

  /**
   * Not loaded yet.
   *
   * @param config says the model
   */
  TextVectorizer(JobConfig config) {
    this.config = config;
  }

  /** Name of the model. */
  String model() {
    return config.get(JobOptions.EMBED_MODEL);
  }

  /**
   * A vector.
   *
   * @param dim what the tokenizer reads
   * @throws RefusedException where the model cannot be loaded, or makes vectors of another length
   */
  synchronized float[] vector(String text, int dim) {
    // Decoding asks for the same one at every step.
    if (!text.equals(lastText)) {
      lastVector = embedder().embed(List.of(text))[0];
      lastText = text;
    }
    if (lastVector.length != dim) {
      throw new RefusedException(
          RefusedException.NOT_YET,
          "text model %s makes vectors of %d, the job's items have %d: name the one that made them, --model FOLDER (items with vectors of their own have none)"
              .formatted(model(), lastVector.length, dim));
    }
    return lastVector;
  }

  private TextEmbedder embedder() {
    if (closed) {
      throw new RefusedException(RefusedException.NOT_YET, "the page is being closed");
    }
    if (embedder == null) {
      try {
        embedder = TextVectors.embedder(config, config.get(JobOptions.EMBED_THREADS));
      } catch (UsageException e) {
        throw new RefusedException(RefusedException.NOT_YET, e.getMessage());
      }
    }
    return embedder;
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (embedder != null) {
      embedder.close();
    }
  }
}
