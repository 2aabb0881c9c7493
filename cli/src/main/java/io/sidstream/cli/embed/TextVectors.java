package io.sidstream.cli.embed;

import io.sidstream.cli.UsageException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.embed.OnnxTextEmbedder;
import io.sidstream.job.embed.TextEmbedder;
import io.sidstream.job.embed.TextModel;
import java.io.UncheckedIOException;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * The vectors that the job makes of texts.
 *
 * @param data [rows, dim]
 * @param rows one a text
 * @param dim length of a vector
 */
public record TextVectors(float[] data, int rows, int dim) {
  /** What a file of vectors may have, so that it can be read again. */
  private static final long MOST_BYTES = Integer.MAX_VALUE - 1024;

  /**
   * Embeds texts, with all processors unless embed.threads is set.
   *
   * @param texts the texts; null gets a row of zeros
   * @param config says the model
   * @param live whether a bar may be drawn
   * @throws UsageException where the model cannot be used, or the vectors do not fit into a file
   */
  public static TextVectors of(List<String> texts, JobConfig config, boolean live) {
    try (TextEmbedder embedder = embedder(config)) {
      return of(texts, embedder, config.get(JobOptions.EMBED_BATCH), live);
    }
  }

  static TextVectors of(List<String> texts, TextEmbedder embedder, int batch, boolean live) {
    // Neighbours of like length leave little to pad.
    List<Integer> order =
        IntStream.range(0, texts.size())
            .filter(i -> texts.get(i) != null)
            .boxed()
            .sorted(Comparator.comparing(i -> texts.get(i).length()))
            .toList();
    float[] data = null;
    int dim = 0;
    try (ProgressBar bar = live ? bar(order.size()) : null) {
      for (int from = 0; from < order.size(); from += batch) {
        List<Integer> rows = order.subList(from, Math.min(order.size(), from + batch));
        float[][] vectors = embedder.embed(rows.stream().map(texts::get).toList());
        if (data == null) {
          dim = vectors[0].length;
          data = room(texts.size(), dim);
        }
        for (int i = 0; i < vectors.length; i++) {
          System.arraycopy(vectors[i], 0, data, rows.get(i) * dim, dim);
        }
        if (bar != null) {
          bar.stepBy(vectors.length);
        }
      }
    }
    return new TextVectors(data == null ? new float[0] : data, texts.size(), dim);
  }

  private static float[] room(int rows, int dim) {
    if ((long) rows * dim * Float.BYTES > MOST_BYTES) {
      throw new UsageException(
          "%d rows of %d numbers are more than the 2 GB that a file of vectors may have; take fewer items, or a smaller idx"
              .formatted(rows, dim));
    }
    return new float[rows * dim];
  }

  private static TextEmbedder embedder(JobConfig config) {
    int threads = config.get(JobOptions.EMBED_THREADS);
    if (threads == JobOptions.EMBED_THREADS.defaultValue()) {
      threads = Runtime.getRuntime().availableProcessors();
    }
    return embedder(config, threads);
  }

  /**
   * Loads the text model.
   *
   * @param config says which
   * @param threads that it may use
   * @throws UsageException where it cannot be used; names it
   */
  public static TextEmbedder embedder(JobConfig config, int threads) {
    TextModel model = TextModel.of(config);
    try {
      return new OnnxTextEmbedder(model, threads);
    } catch (UncheckedIOException | IllegalStateException | IllegalArgumentException e) {
      throw new UsageException("text model '" + model.name() + "': " + e.getMessage());
    }
  }

  private static ProgressBar bar(int texts) {
    return new ProgressBarBuilder()
        .setTaskName("embed")
        .setInitialMax(texts)
        .setUnit(" texts", 1)
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(200)
        .showSpeed()
        .clearDisplayOnFinish()
        .build();
  }
}
