package io.sidstream.client;

import java.util.Arrays;

/** Rows with a token, sorted by codes and suffix: what reverse look-ups search. */
final class Order {
  private Order() {}

  /** Sorts all rows below a limit that have a token; a counting sort by level, last level first. */
  static int[] of(TokenPages tokens, int limit) {
    int n = 0;
    int rows = Math.min(limit, tokens.pages() * TokenPages.PAGE);
    for (int row = 0; row < rows; row++) {
      n += tokens.version(row) == 0 ? 0 : 1;
    }
    int[] order = new int[n];
    int greatest = 0;
    boolean suffixes = false;
    n = 0;
    for (int row = 0; row < rows; row++) {
      if (tokens.version(row) != 0) {
        order[n++] = row;
        suffixes |= tokens.suffix(row) != 0;
        for (int l = 0; l < tokens.levels(); l++) {
          greatest = Math.max(greatest, tokens.code(row, l));
        }
      }
    }
    int[] other = new int[n];
    if (suffixes) {
      for (int shift = 0; shift < 32; shift += 16) {
        int[] counts = new int[0x10001];
        for (int row : order) {
          counts[(tokens.suffix(row) >>> shift & 0xffff) + 1]++;
        }
        sum(counts);
        for (int row : order) {
          other[counts[tokens.suffix(row) >>> shift & 0xffff]++] = row;
        }
        int[] swap = order;
        order = other;
        other = swap;
      }
    }
    for (int l = tokens.levels() - 1; l >= 0; l--) {
      int[] counts = new int[greatest + 2];
      for (int row : order) {
        counts[tokens.code(row, l) + 1]++;
      }
      sum(counts);
      for (int row : order) {
        other[counts[tokens.code(row, l)]++] = row;
      }
      int[] swap = order;
      order = other;
      other = swap;
    }
    return order;
  }

  private static void sum(int[] counts) {
    for (int i = 1; i < counts.length; i++) {
      counts[i] += counts[i - 1];
    }
  }

  /** The order without some of its rows. */
  static int[] without(int[] order, java.util.Set<Integer> rows) {
    int[] left = new int[order.length];
    int n = 0;
    for (int row : order) {
      if (!rows.contains(row)) {
        left[n++] = row;
      }
    }
    return Arrays.copyOf(left, n);
  }

  /**
   * The order with more rows.
   *
   * @param sorted rows to add, sorted in the same way
   */
  static int[] merge(int[] order, int[] sorted, TokenPages tokens) {
    int[] merged = new int[order.length + sorted.length];
    int from = 0;
    int to = 0;
    for (int row : sorted) {
      int at = first(order, tokens, tokens.get(row).codes(), tokens.suffix(row));
      System.arraycopy(order, from, merged, to, at - from);
      to += at - from;
      from = at;
      merged[to++] = row;
    }
    System.arraycopy(order, from, merged, to, order.length - from);
    return merged;
  }

  /** The row that has a token, -1 for none. */
  static int find(int[] order, TokenPages tokens, int[] codes, int suffix) {
    int at = first(order, tokens, codes, suffix);
    return at < order.length && compare(tokens, order[at], codes, suffix) == 0 ? order[at] : -1;
  }

  /**
   * The first place whose token is not less.
   *
   * @param codes all levels, or the first few: then any token that begins so is equal
   * @param suffix -1 for any
   */
  static int first(int[] order, TokenPages tokens, int[] codes, int suffix) {
    int low = 0;
    int high = order.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (compare(tokens, order[middle], codes, suffix) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /**
   * The first place from one on, and at most another, whose token is greater than any that begins
   * so.
   */
  static int end(int[] order, TokenPages tokens, int[] codes, int from, int to) {
    int low = from;
    int high = to;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (compare(tokens, order[middle], codes, -1) <= 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static int compare(TokenPages tokens, int row, int[] codes, int suffix) {
    for (int l = 0; l < codes.length; l++) {
      int c = Integer.compare(tokens.code(row, l), codes[l]);
      if (c != 0) {
        return c;
      }
    }
    return suffix < 0 ? 0 : Integer.compare(tokens.suffix(row), suffix);
  }
}
