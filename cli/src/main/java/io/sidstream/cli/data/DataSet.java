package io.sidstream.cli.data;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Items and interactions, in order of time.
 *
 * @param name what it is, for people
 * @param digest SHA-256 (hex) of what it was made from: equal digests, equal content
 * @param kind kind of every interaction, such as "rating"
 * @param items the items, each named once
 * @param user [n] user of each interaction
 * @param item [n] index into items of each interaction
 * @param time [n] event time, ms since the epoch, ascending
 * @param leftOut what was not taken of the source, for people; empty for nothing
 */
public record DataSet(
    String name,
    String digest,
    String kind,
    List<SourceItem> items,
    String[] user,
    int[] item,
    long[] time,
    String leftOut) {

  /** Number of interactions. */
  public int interactions() {
    return item.length;
  }

  /**
   * Sorts interactions by time; those of equal time keep their order.
   *
   * @throws IllegalArgumentException where the arrays differ in length
   */
  public static DataSet sorted(
      String name,
      String digest,
      String kind,
      List<SourceItem> items,
      String[] user,
      int[] item,
      long[] time,
      String leftOut) {
    if (user.length != item.length || user.length != time.length) {
      throw new IllegalArgumentException(
          "users, items and times differ in length: "
              + user.length
              + ", "
              + item.length
              + ", "
              + time.length);
    }
    int[] order =
        IntStream.range(0, item.length)
            .boxed()
            .sorted((a, b) -> Long.compare(time[a], time[b]))
            .mapToInt(Integer::intValue)
            .toArray();
    String[] u = new String[order.length];
    int[] i = new int[order.length];
    long[] t = new long[order.length];
    for (int k = 0; k < order.length; k++) {
      u[k] = user[order[k]];
      i[k] = item[order[k]];
      t[k] = time[order[k]];
    }
    return new DataSet(name, digest, kind, List.copyOf(items), u, i, t, leftOut);
  }
}
