package io.sidstream.cli.data;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.rows.InteractionRow;
import io.sidstream.cli.rows.ItemRow;
import io.sidstream.cli.rows.Mapping;
import io.sidstream.cli.rows.RowFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The files of a data set and how their columns become fields.
 *
 * @param name what it is, for people
 * @param items file of items
 * @param interactions file of interactions, or null for none
 * @param itemMap columns of items, such as {@code item=asin}; empty for those of the fields' names
 * @param interactionMap columns of interactions
 */
public record DataFiles(
    String name, RowFile items, RowFile interactions, String itemMap, String interactionMap) {
  private static final List<String> ENDINGS =
      Stream.of(".jsonl", ".csv", ".tsv")
          .flatMap(ending -> Stream.of(ending, ending + ".gz"))
          .toList();
  private static final List<String> ITEMS = names("items", ".jsonl");
  private static final List<String> INTERACTIONS = names("interactions", ".tsv");

  /** What was usual first. */
  private static List<String> names(String what, String usual) {
    return Stream.concat(
            Stream.concat(
                Stream.of(usual, usual + ".gz"),
                ENDINGS.stream().filter(ending -> !ending.startsWith(usual))),
            Stream.of(".parquet"))
        .map(ending -> what + ending)
        .toList();
  }

  /**
   * Finds the files of {@code --data}.
   *
   * @param data a folder with items.jsonl (or .csv, .tsv, .parquet, .gz) and interactions.tsv (or
   *     the others), or a file of items
   * @param interactions a file of interactions; null for that of the folder, or for none
   * @throws UsageException where a file is missing; names it
   */
  public static DataFiles find(
      Path data, Path interactions, String itemMap, String interactionMap) {
    Path name = data.toAbsolutePath().normalize().getFileName();
    RowFile items;
    RowFile events;
    if (Files.isDirectory(data)) {
      items = RowFile.of(either(data, ITEMS, null).toString());
      Path there = interactions != null ? interactions : either(data, INTERACTIONS, items);
      events = RowFile.of(there.toString());
    } else if (Files.isRegularFile(data)) {
      items = RowFile.of(data.toString());
      events = interactions == null ? null : RowFile.of(interactions.toString());
    } else {
      throw new UsageException("--data " + data + " is not a folder, nor a file of items");
    }
    if (interactions != null && !Files.isRegularFile(interactions)) {
      throw new UsageException("--interactions " + interactions + " is not a file");
    }
    return new DataFiles(
        String.valueOf(name),
        items,
        events,
        itemMap == null ? "" : itemMap,
        interactionMap == null ? "" : interactionMap);
  }

  /** Columns of items. */
  Mapping itemMapping() {
    return Mapping.parse(itemMap, ItemRow.FIELDS);
  }

  /** Columns of interactions. */
  Mapping interactionMapping() {
    return Mapping.parse("--map-interactions", interactionMap, InteractionRow.FIELDS);
  }

  /** Every file of a folder that may be read, whether it is there or not; of a file itself. */
  public static List<Path> files(Path data) {
    return Files.isDirectory(data)
        ? Stream.concat(ITEMS.stream(), INTERACTIONS.stream()).map(data::resolve).toList()
        : List.of(data);
  }

  private static Path either(Path folder, List<String> names, RowFile items) {
    for (String name : names) {
      if (Files.isRegularFile(folder.resolve(name))) {
        return folder.resolve(name);
      }
    }
    throw new UsageException(
        "--data %s has no %s or %s (.jsonl, .csv, .tsv and .parquet are read)%s"
            .formatted(
                folder,
                names.get(0),
                names.get(1),
                items == null ? "" : "; for items alone: --data " + items.name()));
  }
}
