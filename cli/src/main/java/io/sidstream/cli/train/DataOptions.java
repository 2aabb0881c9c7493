package io.sidstream.cli.train;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.DataSetReader;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.data.SourceItem;
import io.sidstream.cli.embed.TextVectors;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** The options that say what is learnt from. */
public final class DataOptions {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "DIR",
      description = "Data set: items.jsonl[.gz] and interactions.tsv[.gz].")
  private Path folder;

  @Option(
      names = "--max-items",
      paramLabel = "N",
      description = "Take the first N items and the interactions with them; 0 for all.")
  private int maxItems;

  /** Items that are taken at most; 0 for all. */
  int maxItems() {
    return maxItems;
  }

  /**
   * Checks the values.
   *
   * @throws UsageException where one is out of range
   */
  void check() {
    Ranges.atLeast("--max-items", maxItems, 0);
  }

  /** The files that are read. */
  List<OutputFile.Named> files() {
    return DataSetReader.files(folder).stream()
        .map(file -> new OutputFile.Named("--data", file))
        .toList();
  }

  /**
   * Reads the data set.
   *
   * @param vectors where content vectors are; null where there are to be none
   * @param out hears what was left out
   * @throws UsageException where the data cannot be used
   */
  TrainingData read(VectorsOption vectors, PrintWriter out) throws IOException {
    boolean own = vectors != null && vectors.file() == null;
    NpyVectors rows = vectors == null || own ? null : NpyVectors.open(vectors.file());
    DataSet set = DataSetReader.read(folder, maxItems);
    TrainingData data =
        own ? TrainingData.of(set, ownVectors(set, out)) : TrainingData.of(set, rows);
    out.printf(
        Locale.ROOT,
        "%s: %,d items, %,d users, %,d interactions%n",
        data.name(),
        data.items(),
        data.users(),
        data.events());
    if (!set.leftOut().isEmpty()) {
      out.println(set.leftOut());
    }
    if (rows != null && rows.rows() > data.items() && maxItems == 0) {
      out.printf(
          Locale.ROOT,
          "--vectors: %,d of its %,d rows are those of items%n",
          data.items(),
          rows.rows());
    }
    out.flush();
    return data;
  }

  /** Those that the items bring, or else of their texts. */
  private static TextVectors ownVectors(DataSet set, PrintWriter out) {
    List<SourceItem> items = set.items();
    long brought = items.stream().filter(item -> item.vector() != null).count();
    if (brought == items.size() && brought > 0) {
      return joined(items);
    }
    if (brought > 0) {
      throw new UsageException(
          "%d of %d items of --data bring a vector; give all or none one, or --vectors FILE.npy"
              .formatted(brought, items.size()));
    }
    List<String> texts = items.stream().map(DataOptions::text).toList();
    int without = texts.indexOf(null);
    if (without >= 0) {
      throw new UsageException(
          "item %s of --data has neither a text nor a title to make a vector of; give it one, or --vectors FILE.npy"
              .formatted(items.get(without).id()));
    }
    JobConfig config = JobConfig.defaults();
    out.printf(
        Locale.ROOT,
        "%,d texts are embedded by %s; 'sidstream embed' keeps the vectors for --vectors%n",
        texts.size(),
        config.get(JobOptions.EMBED_MODEL));
    out.flush();
    return TextVectors.of(texts, config, Boolean.getBoolean("sidstream.tty"));
  }

  private static TextVectors joined(List<SourceItem> items) {
    int dim = items.get(0).vector().length;
    float[] data = new float[Math.multiplyExact(items.size(), dim)];
    for (int i = 0; i < items.size(); i++) {
      float[] vector = items.get(i).vector();
      if (vector.length != dim) {
        throw new UsageException(
            "items %s and %s of --data bring vectors of %d and %d numbers; all need as many"
                .formatted(items.get(0).id(), items.get(i).id(), dim, vector.length));
      }
      System.arraycopy(vector, 0, data, i * dim, dim);
    }
    return new TextVectors(data, items.size(), dim);
  }

  private static String text(SourceItem item) {
    String text = item.text() == null || item.text().isBlank() ? item.title() : item.text();
    return text == null || text.isBlank() ? null : text;
  }
}
