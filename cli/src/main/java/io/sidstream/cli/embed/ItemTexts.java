package io.sidstream.cli.embed;

import io.sidstream.cli.rows.ItemRow;
import io.sidstream.cli.rows.Mapping;
import io.sidstream.cli.rows.Refusals;
import io.sidstream.cli.rows.Row;
import io.sidstream.cli.rows.RowException;
import io.sidstream.cli.rows.RowFile;
import io.sidstream.cli.rows.RowReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/**
 * The texts of items in the order of their vectors: an item's row is its {@code idx} - 1, or where
 * it has none the number of its record, as in a data set.
 */
final class ItemTexts {
  private final Mapping map;
  private final boolean lines;
  private final TreeMap<Integer, Item> rows = new TreeMap<>();
  private final Set<String> known = new HashSet<>();
  private final Refusals refusals = new Refusals();
  private int count;

  private record Item(String id, String text) {}

  /**
   * None yet.
   *
   * @param lines whether an identifier must fit into a line
   */
  ItemTexts(Mapping map, boolean lines) {
    this.map = map;
    this.lines = lines;
  }

  /**
   * Adds those of a file.
   *
   * @throws io.sidstream.cli.UsageException where the file as a whole cannot be read; names it
   */
  void read(RowFile file) throws IOException {
    try (RowReader reader = file.open(null)) {
      if (reader.columns() != null && !reader.columns().isEmpty()) {
        map.check(file.shown(), reader.columns(), ItemRow.NEEDED);
      }
      boolean more = true;
      while (more) {
        more = one(file, reader);
      }
    }
  }

  private boolean one(RowFile file, RowReader reader) throws IOException {
    try {
      Row row = reader.next();
      if (row == null) {
        return false;
      }
      count++;
      add(ItemRow.of(row, map), file.shown() + ":" + row.number());
    } catch (RowException e) {
      refusals.add(e.fault().name(), file.shown() + ":" + e.number(), e.getMessage());
    }
    return true;
  }

  private void add(ItemRow item, String place) {
    String text = item.text() == null || item.text().isBlank() ? item.title() : item.text();
    int row = item.row() == null ? count : item.row();
    if (text == null || text.isBlank()) {
      refusals.add(
          "NO_TEXT",
          place,
          "text and title are missing or blank; give one, or say which column it is, such as --map text=description");
    } else if (!known.add(item.item())) {
      refusals.add("TWICE", place, "item '" + item.item() + "' is there already; leave one out");
    } else if (rows.containsKey(row)) {
      refusals.add(
          "ROW_TAKEN",
          place,
          "idx %d (where none is given, the record's number) is that of item '%s', too; each needs its own"
              .formatted(row, rows.get(row).id));
    } else if (lines && item.item().lines().count() > 1) {
      refusals.add("LINE_BREAK", place, "the identifier has a line break; leave out --ids");
    } else {
      rows.put(row, new Item(item.item(), text));
    }
  }

  /** What cannot be embedded. */
  Refusals refusals() {
    return refusals;
  }

  /** Items that have a row. */
  int size() {
    return rows.size();
  }

  /** The greatest row, from 1. */
  int lastRow() {
    return rows.lastKey();
  }

  /** By row; null where a row is no item's. */
  List<String> texts() {
    List<String> texts = new ArrayList<>();
    rows.forEach(
        (row, item) -> {
          pad(texts, row, null);
          texts.add(item.text);
        });
    return texts;
  }

  /** By row; empty where a row is no item's. */
  List<String> ids() {
    List<String> ids = new ArrayList<>();
    rows.forEach(
        (row, item) -> {
          pad(ids, row, "");
          ids.add(item.id);
        });
    return ids;
  }

  private static void pad(List<String> list, int row, String with) {
    while (list.size() < row - 1) {
      list.add(with);
    }
  }
}
