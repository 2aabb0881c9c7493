package io.sidstream.client;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Items to rows 0, 1, 2 ... and back; only ever grows. Open addressing over the rows; identifiers
 * as UTF-8 behind a length of two bytes, one after another in chunks.
 *
 * <p>One thread adds; any thread may look up through an {@link Index} that it was handed safely,
 * without locks: a slot is written once, and a row that the reader's view does not have yet is
 * passed over.
 */
final class ItemDictionary {
  /** 128 KiB: small enough that a garbage collector that works by regions wastes none. */
  private static final int CHUNK_BITS = 17;

  private static final int CHUNK = 1 << CHUNK_BITS;
  private static final int PAGE_BITS = 12;
  private static final int PAGE = 1 << PAGE_BITS;

  /** What a reader looks things up in. */
  static final class Index {
    /** {@code [power of two]} row + 1, or 0 for a free slot. */
    private final int[] slots;

    private final byte[][] chunks;

    /** Pages of the place of each row's identifier. */
    private final int[][] places;

    /** The dictionary that the rows are numbered by. */
    private final ItemDictionary of;

    private Index(ItemDictionary of, int[] slots, byte[][] chunks, int[][] places) {
      this.of = of;
      this.slots = slots;
      this.chunks = chunks;
      this.places = places;
    }

    /** Whether a row is the same item in both. */
    boolean sameRows(Index other) {
      return of == other.of;
    }

    /** The row below a limit of the item, or -1. */
    int row(byte[] item, int limit) {
      int mask = slots.length - 1;
      for (int s = hash(item) & mask; slots[s] != 0; s = (s + 1) & mask) {
        int row = slots[s] - 1;
        if (row < limit && same(row, item)) {
          return row;
        }
      }
      return -1;
    }

    /** UTF-8 of the item of a row. */
    byte[] item(int row) {
      int place = places[row >>> PAGE_BITS][row & (PAGE - 1)];
      byte[] chunk = chunks[place >>> CHUNK_BITS];
      int at = place & (CHUNK - 1);
      int length = (chunk[at] & 0xff) << 8 | (chunk[at + 1] & 0xff);
      return Arrays.copyOfRange(chunk, at + 2, at + 2 + length);
    }

    private boolean same(int row, byte[] item) {
      int place = places[row >>> PAGE_BITS][row & (PAGE - 1)];
      byte[] chunk = chunks[place >>> CHUNK_BITS];
      int at = place & (CHUNK - 1);
      int length = (chunk[at] & 0xff) << 8 | (chunk[at + 1] & 0xff);
      return length == item.length
          && Arrays.equals(chunk, at + 2, at + 2 + length, item, 0, length);
    }

    String name(int row) {
      return new String(item(row), StandardCharsets.UTF_8);
    }
  }

  private int[] slots = new int[1024];
  private byte[][] chunks = new byte[0][];
  private int[][] places = new int[0][];
  private int end = CHUNK;
  private int size;
  private Index index = new Index(this, slots, chunks, places);

  int size() {
    return size;
  }

  /** To look up what is there now. */
  Index index() {
    return index;
  }

  /** The row of an item, which is added where it is new. */
  int add(byte[] item) {
    int row = index.row(item, size);
    if (row >= 0) {
      return row;
    }
    if (item.length > 0xffff) {
      throw new IllegalArgumentException(
          "item of " + item.length + " bytes; at most 65535 are possible");
    }
    if (4L * (size + 1) > 3L * slots.length) {
      grow();
    }
    store(item);
    int mask = slots.length - 1;
    int s = hash(item) & mask;
    while (slots[s] != 0) {
      s = (s + 1) & mask;
    }
    slots[s] = ++size;
    return size - 1;
  }

  private void store(byte[] item) {
    boolean changed = false;
    if (end + 2 + item.length > CHUNK) {
      if (chunks.length == 1 << 31 - CHUNK_BITS) {
        throw new IllegalStateException("the identifiers of all items take more than 2 GiB");
      }
      chunks = Arrays.copyOf(chunks, chunks.length + 1);
      chunks[chunks.length - 1] = new byte[CHUNK];
      end = 0;
      changed = true;
    }
    if (size >>> PAGE_BITS == places.length) {
      places = Arrays.copyOf(places, places.length + 1);
      places[places.length - 1] = new int[PAGE];
      changed = true;
    }
    byte[] chunk = chunks[chunks.length - 1];
    chunk[end] = (byte) (item.length >>> 8);
    chunk[end + 1] = (byte) item.length;
    System.arraycopy(item, 0, chunk, end + 2, item.length);
    places[size >>> PAGE_BITS][size & (PAGE - 1)] = (chunks.length - 1) << CHUNK_BITS | end;
    end += 2 + item.length;
    if (changed) {
      index = new Index(this, slots, chunks, places);
    }
  }

  /** Into new slots: readers go on with the old ones. */
  private void grow() {
    int[] larger = new int[slots.length * 2];
    int mask = larger.length - 1;
    for (int row = 0; row < size; row++) {
      int s = hash(index.item(row)) & mask;
      while (larger[s] != 0) {
        s = (s + 1) & mask;
      }
      larger[s] = row + 1;
    }
    slots = larger;
    index = new Index(this, slots, chunks, places);
  }

  /** Murmur's finaliser over a polynomial: identifiers often differ in their last bytes only. */
  private static int hash(byte[] item) {
    int h = Arrays.hashCode(item);
    h ^= h >>> 16;
    h *= 0x85ebca6b;
    h ^= h >>> 13;
    h *= 0xc2b2ae35;
    return h ^ h >>> 16;
  }
}
