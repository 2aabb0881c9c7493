package io.sidstream.cli.data;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that name a data set, of which a command can do without. */
public final class DataSetOptions {
  @Option(
      names = "--data",
      paramLabel = "DIR|FILE",
      description = {
        "Data set: a folder with items.jsonl and interactions.tsv (or .csv, .tsv, .parquet, .gz),",
        "or a file of items. 'load items --help' says what they hold."
      })
  private Path data;

  @Option(
      names = "--interactions",
      paramLabel = "FILE",
      description = "Interactions with the items of --data; without it those of the folder.")
  private Path interactions;

  @Option(
      names = "--map",
      paramLabel = "FIELD=COLUMN,...",
      description =
          "Columns of items, as in 'load items', such as item=asin,text=title+description.")
  private String map;

  @Option(
      names = "--map-interactions",
      paramLabel = "FIELD=COLUMN,...",
      description = "Columns of interactions, such as user=reviewer,item=asin,time=ts.")
  private String mapInteractions;

  @Option(
      names = "--vectors",
      paramLabel = "FILE.npy",
      description =
          "Content vectors that are sent instead of text; row idx - 1 belongs to the item with idx.")
  private Path vectors;

  /** Whether a data set is named. */
  public boolean given() {
    return data != null;
  }

  /**
   * Refuses options that need a data set where none is named.
   *
   * @throws UsageException names the option
   */
  public void check() {
    if (given()) {
      return;
    }
    for (Object other : new Object[] {interactions, map, mapInteractions}) {
      if (other != null) {
        throw new UsageException(
            other + ": --interactions, --map and --map-interactions need --data");
      }
    }
    if (vectors != null) {
      throw new UsageException(
          "--vectors " + vectors + " needs --data: vectors belong to its items");
    }
  }

  /** The files that are read, by option. */
  public List<OutputFile.Named> files() {
    List<OutputFile.Named> files = new ArrayList<>();
    files.add(new OutputFile.Named("--vectors", vectors));
    files.add(new OutputFile.Named("--interactions", interactions));
    if (given()) {
      DataFiles.files(data).forEach(file -> files.add(new OutputFile.Named("--data", file)));
    }
    return files;
  }

  /**
   * Opens the vectors; null where none are named.
   *
   * @throws UsageException where they cannot be read
   */
  public NpyVectors openVectors() throws IOException {
    return vectors == null ? null : NpyVectors.open(vectors);
  }

  /** The file of vectors; null where none is named. */
  public Path vectors() {
    return vectors;
  }

  /**
   * Reads the data set that is named.
   *
   * @param maxItems the first so many items and their interactions; 0 for all
   * @throws UsageException where it cannot be read
   */
  public DataSet read(int maxItems) throws IOException {
    return DataSetReader.read(DataFiles.find(data, interactions, map, mapInteractions), maxItems);
  }
}
