package io.sidstream.lab.tiger;

import java.util.Arrays;

/** Packs item sequences as code tuples into a batch. Not thread-safe. */
final class Histories {
  private final TupleTrie trie;
  private final int maxItems;
  private int[] codes = {};
  private int[] offsets = {0};
  private int count;

  Histories(TupleTrie trie, int maxItems) {
    this.trie = trie;
    this.maxItems = maxItems;
  }

  void clear() {
    count = 0;
  }

  /** Adds the newest maxItems of sequence[0, n). */
  void add(int[] sequence, int n) {
    int from = Math.max(0, n - maxItems);
    if (offsets.length < count + 2) {
      offsets = Arrays.copyOf(offsets, 2 * count + 2);
    }
    int at = offsets[count];
    int end = at + n - from;
    if (codes.length < end * trie.depth()) {
      codes = Arrays.copyOf(codes, 2 * end * trie.depth());
    }
    for (int i = from; i < n; i++) {
      trie.copyTuple(sequence[i], codes, (at + i - from) * trie.depth());
    }
    offsets[++count] = end;
  }

  /** Tuples of all items [items, depth]. */
  int[] codes() {
    return codes;
  }

  /** Items where histories begin, and where the last ends. */
  int[] offsets() {
    return offsets;
  }

  /** Histories added. */
  int count() {
    return count;
  }
}
