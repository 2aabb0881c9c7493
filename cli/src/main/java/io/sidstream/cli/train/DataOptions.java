package io.sidstream.cli.train;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.DataSetReader;
import io.sidstream.cli.data.NpyVectors;
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
   * @param vectorsFile content vectors of the items; null for none
   * @param out hears what was left out
   */
  TrainingData read(Path vectorsFile, PrintWriter out) throws IOException {
    NpyVectors vectors = vectorsFile == null ? null : NpyVectors.open(vectorsFile);
    DataSet set = DataSetReader.read(folder, maxItems);
    TrainingData data = TrainingData.of(set, vectors);
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
    if (vectors != null && vectors.rows() > data.items() && maxItems == 0) {
      out.printf(
          Locale.ROOT,
          "--vectors: %,d of its %,d rows are those of items%n",
          data.items(),
          vectors.rows());
    }
    out.flush();
    return data;
  }
}
