package io.sidstream.model.learn;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.train.ItemTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the gate judges a candidate on: a sample of the catalogue, and windows of users that nobody
 * trains on. Its rows have the codes of the version in use, up to date.
 *
 * @param items rows with content, codes in use, ID embeddings, arrival and interactions; {@link
 *     ItemTable#key} names them
 * @param sample rows of the uniform sample of the catalogue, on which quality, churn and uniqueness
 *     are measured; also what negatives are drawn from
 * @param old rows, those of the sample that were there when the version in use began
 * @param windows the newest windows of held-out users, by row; the last event of each is ranked
 * @param catalogue items of the whole catalogue that the sample stands for
 */
public record Evaluation(
    ItemTable items, int[] sample, BitSet old, List<Prequential.Window> windows, long catalogue) {

  /**
   * The evaluations of several shards as one: rows of the same key once, as the first shard has
   * them (but its codes and content from one that has codes, its first arrival, and the sum of its
   * interactions), the windows of all. One is itself.
   */
  public static Evaluation join(List<Evaluation> all) {
    Evaluation first = all.get(0);
    if (all.size() == 1) {
      return first;
    }
    ItemTable t = first.items;
    ItemTable items = new ItemTable(t.contentDim(), t.idDim(), t.semanticDim(), t.levels());
    Map<Long, Integer> rows = new HashMap<>();
    BitSet sampled = new BitSet();
    List<Integer> sample = new ArrayList<>();
    BitSet old = new BitSet();
    List<Prequential.Window> windows = new ArrayList<>();
    long catalogue = 0;
    for (Evaluation shard : all) {
      int[] to = new int[shard.items.size()];
      Arrays.fill(to, -1);
      for (int i = 0; i < shard.items.knownCount(); i++) {
        int from = shard.items.knownAt(i);
        Integer row = rows.putIfAbsent(shard.items.key(from), rows.size());
        to[from] = row == null ? rows.size() - 1 : row;
        put(shard.items, from, items, to[from]);
      }
      for (int from : shard.sample) {
        if (!sampled.get(to[from])) {
          sampled.set(to[from]);
          sample.add(to[from]);
        }
        if (shard.old.get(from)) {
          old.set(to[from]);
        }
      }
      for (Prequential.Window w : shard.windows) {
        int[] of = Arrays.stream(w.items()).map(i -> shard.items.known(i) ? to[i] : -1).toArray();
        windows.add(new Prequential.Window(of, w.times(), w.fresh()));
      }
      catalogue = Math.max(catalogue, shard.catalogue);
    }
    int[] order = sample.stream().mapToInt(Integer::intValue).toArray();
    return new Evaluation(items, order, old, windows, catalogue);
  }

  /** The same, with a table of the rows that it names alone. */
  Evaluation compact() {
    ItemTable all =
        new ItemTable(items.contentDim(), items.idDim(), items.semanticDim(), items.levels());
    Map<Integer, Integer> to = new HashMap<>();
    int[] rows = Arrays.stream(sample).map(row -> moved(row, to, all)).toArray();
    BitSet oldRows = new BitSet();
    old.stream().forEach(row -> oldRows.set(moved(row, to, all)));
    List<Prequential.Window> ranked = new ArrayList<>();
    for (Prequential.Window w : windows) {
      int[] of = Arrays.stream(w.items()).map(row -> moved(row, to, all)).toArray();
      ranked.add(new Prequential.Window(of, w.times(), w.fresh()));
    }
    return new Evaluation(all, rows, oldRows, ranked, catalogue);
  }

  private int moved(int row, Map<Integer, Integer> to, ItemTable all) {
    if (!items.known(row)) {
      return -1;
    }
    Integer known = to.get(row);
    if (known == null) {
      known = to.size();
      to.put(row, known);
      put(items, row, all, known);
    }
    return known;
  }

  private static void put(ItemTable from, int i, ItemTable to, int row) {
    boolean again = to.known(row);
    int levels = from.levels();
    if (!again || from.encoded(i) && !to.encoded(row)) {
      int d = from.contentDim();
      to.put(row, Arrays.copyOfRange(from.content(), i * d, (i + 1) * d), from.arrival(i));
      System.arraycopy(from.codes(), i * levels, to.codes(), row * levels, levels);
      System.arraycopy(
          from.semantic(),
          i * from.semanticDim(),
          to.semantic(),
          row * from.semanticDim(),
          from.semanticDim());
    }
    if (again) {
      to.place(
          row,
          Math.min(to.arrival(row), from.arrival(i)),
          to.interactions(row) + from.interactions(i));
    } else {
      to.setKey(row, from.key(i));
      to.place(row, from.arrival(i), from.interactions(i));
      to.placeId(row, from.idSteps(i), from.idRow(i));
      // Where it has taken no step, too: it may start as something.
      System.arraycopy(from.id(), i * from.idDim(), to.id(), row * from.idDim(), from.idDim());
    }
  }

  /** Rows that are known, by key. */
  Map<Long, Integer> rowsByKey() {
    Map<Long, Integer> rows = new HashMap<>();
    for (int i = 0; i < items.knownCount(); i++) {
      rows.put(items.key(items.knownAt(i)), items.knownAt(i));
    }
    return rows;
  }
}
