package io.sidstream.model.train;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Interactions of a data set, users and items by dense index. Format: a line each, {@code user TAB
 * item TAB unix seconds}, no header. Items are numbered by a list that the caller brings, users in
 * order of their first line.
 */
public final class Dataset {
  private final List<String> itemIds;
  private final List<String> userIds;
  private final int[] users;
  private final int[] items;
  private final long[] times;

  private Dataset(
      List<String> itemIds, List<String> userIds, int[] users, int[] items, long[] times) {
    this.itemIds = itemIds;
    this.userIds = userIds;
    this.users = users;
    this.items = items;
    this.times = times;
  }

  /**
   * Reads interactions.
   *
   * @param in the lines, UTF-8, not compressed
   * @param itemIds item i has index i
   * @throws IOException naming the line that is not of the format or names an item that is not in
   *     the list
   */
  public static Dataset read(InputStream in, List<String> itemIds) throws IOException {
    Map<String, Integer> itemIndex = new HashMap<>();
    for (String id : itemIds) {
      itemIndex.put(id, itemIndex.size());
    }
    Map<String, Integer> userIndex = new HashMap<>();
    List<String> userIds = new ArrayList<>();
    int[] users = new int[1024];
    int[] items = new int[1024];
    long[] times = new long[1024];
    int n = 0;
    BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      String[] fields = line.split("\t", -1);
      if (fields.length != 3) {
        throw new IOException(
            "line "
                + (n + 1)
                + " has "
                + fields.length
                + " fields; it must be user TAB item TAB unix seconds");
      }
      Integer item = itemIndex.get(fields[1]);
      if (item == null) {
        throw new IOException(
            "line "
                + (n + 1)
                + " names the item "
                + fields[1]
                + ", which is not in the list of items");
      }
      if (n == users.length) {
        users = Arrays.copyOf(users, 2 * n);
        items = Arrays.copyOf(items, 2 * n);
        times = Arrays.copyOf(times, 2 * n);
      }
      Integer user = userIndex.putIfAbsent(fields[0], userIndex.size());
      if (user == null) {
        user = userIds.size();
        userIds.add(fields[0]);
      }
      users[n] = user;
      items[n] = item;
      try {
        times[n] = 1000 * Long.parseLong(fields[2]);
      } catch (NumberFormatException e) {
        throw new IOException(
            "line " + (n + 1) + " has the time " + fields[2] + "; it must be whole unix seconds",
            e);
      }
      n++;
    }
    return new Dataset(
        List.copyOf(itemIds),
        userIds,
        Arrays.copyOf(users, n),
        Arrays.copyOf(items, n),
        Arrays.copyOf(times, n));
  }

  /** Events. */
  public int size() {
    return users.length;
  }

  /** Name of each item. */
  public List<String> itemIds() {
    return itemIds;
  }

  /** Name of each user. */
  public List<String> userIds() {
    return userIds;
  }

  /** User of event i, in file order. */
  public int user(int i) {
    return users[i];
  }

  /** Item of event i, in file order. */
  public int item(int i) {
    return items[i];
  }

  /** Time of event i, milliseconds, in file order. */
  public long time(int i) {
    return times[i];
  }

  /** Per user the items, in file order: the published order, for leave-one-out. */
  public int[][] sequences() {
    int[][] sequences = new int[userIds.size()][];
    int[] count = new int[userIds.size()];
    for (int u : users) {
      count[u]++;
    }
    Arrays.setAll(sequences, u -> new int[count[u]]);
    Arrays.fill(count, 0);
    for (int i = 0; i < users.length; i++) {
      sequences[users[i]][count[users[i]]++] = items[i];
    }
    return sequences;
  }

  /** Event numbers in order of time, ties in file order: the stream. */
  public int[] byTime() {
    Integer[] order = new Integer[users.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Long.compare(times[a], times[b]));
    int[] sorted = new int[order.length];
    Arrays.setAll(sorted, i -> order[i]);
    return sorted;
  }
}
