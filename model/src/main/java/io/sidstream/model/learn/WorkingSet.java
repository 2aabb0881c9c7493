package io.sidstream.model.learn;

import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows that a round works on, by an index of their own. Rows are added one by one, so that who
 * keeps them elsewhere may fetch them in slices; the order of adding is the order of the index, and
 * so a part of the round's input.
 */
public final class WorkingSet {
  private final JointConfig config;
  private final boolean encodes;
  private final ItemTable items;
  private final Map<Long, Integer> indices = new HashMap<>();
  private final List<String> names = new ArrayList<>();
  private final List<float[]> content = new ArrayList<>();
  private int[] versions = new int[64];

  /**
   * An empty set.
   *
   * @param encodes whether training encodes its items, so that every row brings its content; else
   *     only rows whose codes are not up to date need to
   */
  public WorkingSet(JointConfig config, boolean encodes) {
    this.config = config;
    this.encodes = encodes;
    items =
        new ItemTable(
            encodes ? config.contentDim() : 0,
            config.hasId() ? config.idDim() : 0,
            config.hasSemantic() ? config.semanticDim() : 0,
            config.hasSemantic() ? config.levels() : 0);
  }

  /** Whether all rows bring their content. */
  public boolean encodes() {
    return encodes;
  }

  /** The index of an item that was added, or -1. */
  public int indexOf(long item) {
    return indices.getOrDefault(item, -1);
  }

  /** Rows so far. */
  public int size() {
    return names.size();
  }

  /**
   * Adds a row; an item is added once.
   *
   * @param item number of the item where it is kept
   * @param arrival event time from which it is known, ms
   * @param interactions interactions so far, those of the round not counted
   * @param vector {@code [D_x]} content; null where it is not needed
   * @return its index
   */
  public int add(
      long item, String name, long arrival, int interactions, LearnedRow row, float[] vector) {
    int index = names.size();
    if (indices.putIfAbsent(item, index) != null) {
      throw new IllegalStateException("item '" + name + "' is in the working set already");
    }
    names.add(name);
    items.place(index, arrival, interactions);
    items.setKey(index, LearnPlan.hash(name));
    items.placeId(index, row.idSteps(), row.id());
    if (encodes) {
      System.arraycopy(vector, 0, items.content(), index * config.contentDim(), vector.length);
      content.add(null);
    } else {
      content.add(vector);
    }
    if (row.codes() != null) {
      System.arraycopy(row.codes(), 0, items.codes(), index * config.levels(), row.codes().length);
    }
    if (index == versions.length) {
      versions = Arrays.copyOf(versions, 2 * index);
    }
    versions[index] = row.version();
    return index;
  }

  /** The rows as a table. Live. */
  public ItemTable items() {
    return items;
  }

  /** The name of a row's item. */
  public String name(int index) {
    return names.get(index);
  }

  /** Token version up to which the codes of a row are up to date. */
  public int version(int index) {
    return versions[index];
  }

  void setVersion(int index, int version) {
    versions[index] = version;
  }

  /** Copies the content of a row to {@code to[off, off + D_x)}. */
  void content(int index, float[] to, int off) {
    int d = config.contentDim();
    if (encodes) {
      System.arraycopy(items.content(), index * d, to, off, d);
      return;
    }
    float[] vector = content.get(index);
    if (vector == null) {
      throw new IllegalStateException(
          "item '" + names.get(index) + "' is to be encoded, but came without its content");
    }
    System.arraycopy(vector, 0, to, off, d);
  }

  /** What is learnt of a row, as it is kept. */
  public LearnedRow learned(int index) {
    int levels = config.hasSemantic() ? config.levels() : 0;
    int[] codes =
        items.encoded(index)
            ? Arrays.copyOfRange(items.codes(), index * levels, (index + 1) * levels)
            : null;
    int steps = items.idSteps(index);
    return new LearnedRow(versions[index], codes, steps, steps == 0 ? null : items.idRow(index));
  }
}
