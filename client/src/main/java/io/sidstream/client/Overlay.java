package io.sidstream.client;

import java.util.Arrays;

/**
 * Tokens of a few rows: what a table has otherwise than the one before. Packed, because a version
 * may change every row.
 */
final class Overlay {
  private final int levels;
  private int[] slots = new int[64];
  private int[] rows = new int[32];
  private int[] versions = new int[32];
  private int[] suffixes = new int[32];
  private short[] codes;
  private int size;

  /** Items and checksum of the table minus those of the one before. */
  long items;

  long checksum;

  Overlay(int levels) {
    this.levels = levels;
    this.codes = new short[32 * levels];
  }

  int size() {
    return size;
  }

  int row(int entry) {
    return rows[entry];
  }

  /** The entry of a row, -1 for none. */
  int find(int row) {
    int mask = slots.length - 1;
    for (int s = hash(row) & mask; slots[s] != 0; s = (s + 1) & mask) {
      if (rows[slots[s] - 1] == row) {
        return slots[s] - 1;
      }
    }
    return -1;
  }

  /** The token of an entry, null for none. */
  Token token(int entry) {
    if (versions[entry] == 0) {
      return null;
    }
    int[] all = new int[levels];
    for (int l = 0; l < levels; l++) {
      all[l] = codes[entry * levels + l] & 0xffff;
    }
    return new Token(all, suffixes[entry], versions[entry]);
  }

  void put(int row, Token token) {
    int entry = find(row);
    if (entry < 0) {
      entry = add(row);
    }
    versions[entry] = token == null ? 0 : token.version();
    suffixes[entry] = token == null ? 0 : token.suffix();
    for (int l = 0; token != null && l < levels; l++) {
      codes[entry * levels + l] = (short) token.codes()[l];
    }
  }

  private int add(int row) {
    if (size == rows.length) {
      int larger = size * 2;
      rows = Arrays.copyOf(rows, larger);
      versions = Arrays.copyOf(versions, larger);
      suffixes = Arrays.copyOf(suffixes, larger);
      codes = Arrays.copyOf(codes, larger * levels);
      slots = new int[larger * 2];
      for (int i = 0; i < size; i++) {
        link(i);
      }
    }
    rows[size] = row;
    link(size);
    return size++;
  }

  private void link(int entry) {
    int mask = slots.length - 1;
    int s = hash(rows[entry]) & mask;
    while (slots[s] != 0) {
      s = (s + 1) & mask;
    }
    slots[s] = entry + 1;
  }

  private static int hash(int row) {
    int h = row * 0x9e3779b9;
    return h ^ h >>> 15;
  }
}
