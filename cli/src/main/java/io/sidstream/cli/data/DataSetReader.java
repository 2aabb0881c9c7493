package io.sidstream.cli.data;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.rows.InteractionRow;
import io.sidstream.cli.rows.ItemRow;
import io.sidstream.cli.rows.Mapping;
import io.sidstream.cli.rows.Row;
import io.sidstream.cli.rows.RowException;
import io.sidstream.cli.rows.RowFile;
import io.sidstream.cli.rows.RowReader;
import io.sidstream.model.file.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Reads a data set into memory.
 *
 * <ul>
 *   <li>Items: {@code item} (identifier), and optionally {@code title}, {@code text}, {@code
 *       vector}, {@code idx} (from 1: row idx - 1 of a file of vectors; without it the row is the
 *       record's number); what else they have becomes attributes.
 *   <li>Interactions: {@code user}, {@code item}, {@code time}; a CSV or TSV file without a header
 *       has them in this order.
 * </ul>
 *
 * The first record that is not as described ends the reading. Interactions with items that are not
 * among the items read are left out.
 */
public final class DataSetReader {
  private final DataFiles files;
  private final int maxItems;
  private final MessageDigest digest = Sha256.start();
  private final Map<String, Integer> index = new HashMap<>();
  private final List<SourceItem> items = new ArrayList<>();
  private final List<String> users = new ArrayList<>();
  private final List<Integer> what = new ArrayList<>();
  private final List<Long> times = new ArrayList<>();
  private int unknown;
  private String example;

  private DataSetReader(DataFiles files, int maxItems) {
    this.files = files;
    this.maxItems = maxItems;
  }

  /**
   * Reads a folder whose columns have the names of the fields.
   *
   * @param folder the data set
   * @param maxItems how many items to take, from the first line on; 0 for all
   * @throws UsageException where a file is missing or a line is not as described; names file and
   *     line
   */
  public static DataSet read(Path folder, int maxItems) throws IOException {
    return read(DataFiles.find(folder, null, null, null), maxItems);
  }

  /**
   * Reads files.
   *
   * @param maxItems how many items to take, from the first record on; 0 for all
   * @throws UsageException where a record is not as described; names file and line
   */
  public static DataSet read(DataFiles files, int maxItems) throws IOException {
    return new DataSetReader(files, maxItems).read();
  }

  /** As {@link DataFiles#files}. */
  public static List<Path> files(Path data) {
    return DataFiles.files(data);
  }

  private DataSet read() throws IOException {
    if (!files.itemMap().isEmpty() || !files.interactionMap().isEmpty()) {
      update(files.itemMap() + "\n" + files.interactionMap());
    }
    readItems();
    // No line begins with it, so that lines of one file are not those of the other.
    digest.update((byte) 0);
    if (files.interactions() != null) {
      readInteractions();
    }
    return DataSet.sorted(
        files.name(),
        HexFormat.of().formatHex(digest.digest()),
        "rating",
        items,
        users.toArray(new String[0]),
        what.stream().mapToInt(Integer::intValue).toArray(),
        times.stream().mapToLong(Long::longValue).toArray(),
        unknown == 0
            ? ""
            : String.format(
                Locale.ROOT,
                "%s: %,d interactions name no item of %s, as %s, and are left out",
                shortName(files.interactions()),
                unknown,
                shortName(files.items()),
                example));
  }

  private void readItems() throws IOException {
    RowFile file = files.items();
    Mapping map = files.itemMapping();
    BitSet rows = new BitSet();
    try (RowReader reader = file.open(null)) {
      if (reader.columns() != null && !reader.columns().isEmpty()) {
        map.check(file.shown(), reader.columns(), ItemRow.NEEDED);
      }
      int count = 0;
      for (Row row; !(maxItems > 0 && count >= maxItems) && (row = reader.next()) != null; ) {
        count++;
        update(row.text());
        item(ItemRow.of(row, map), count, rows, file.shown() + ":" + row.number());
      }
    } catch (RowException e) {
      throw refuse(file, e);
    }
    if (items.isEmpty()) {
      throw new UsageException(file.shown() + " has no items");
    }
  }

  private void item(ItemRow row, int count, BitSet rows, String place) {
    if (index.put(row.item(), items.size()) != null) {
      throw new UsageException(place + ": item " + row.item() + " is there twice");
    }
    int at = (row.row() == null ? count : row.row()) - 1;
    if (rows.get(at)) {
      throw new UsageException(
          "%s: idx %d (where none is given, the line) is that of an earlier item, too; each item needs a row of its own"
              .formatted(place, at + 1));
    }
    rows.set(at);
    items.add(
        new SourceItem(row.item(), row.title(), row.text(), row.attributes(), at, row.vector()));
  }

  private void readInteractions() throws IOException {
    RowFile file = files.interactions();
    Mapping map = files.interactionMapping();
    Map<String, String> names = new HashMap<>();
    try (RowReader reader = file.open(InteractionRow.NEEDED)) {
      if (reader.columns() != null) {
        map.check(file.shown(), reader.columns(), InteractionRow.NEEDED);
      }
      for (Row row; (row = reader.next()) != null; ) {
        InteractionRow event = InteractionRow.of(row, map);
        Integer i = index.get(event.item());
        if (i == null) {
          if (unknown++ == 0) {
            example = "'" + event.item() + "' in line " + row.number();
          }
          continue;
        }
        update(row.text());
        times.add(event.time());
        users.add(names.computeIfAbsent(event.user(), name -> name));
        what.add(i);
      }
    } catch (RowException e) {
      throw refuse(file, e);
    }
    if (times.isEmpty() && unknown > 0) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "%s: none of its %,d interactions names an item of %s, as %s: give the interactions of these items%s",
              file.shown(),
              unknown,
              shortName(files.items()),
              example,
              maxItems > 0 ? ", or a larger --max-items than " + maxItems : ""));
    }
  }

  private static UsageException refuse(RowFile file, RowException e) {
    return new UsageException(file.shown() + ":" + e.number() + ": " + e.getMessage());
  }

  private static Path shortName(RowFile file) {
    return Path.of(file.name()).getFileName();
  }

  /** A record and its end: no other records have the same bytes together. */
  private void update(String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) '\n');
  }
}
