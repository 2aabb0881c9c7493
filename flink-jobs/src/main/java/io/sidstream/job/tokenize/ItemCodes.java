package io.sidstream.job.tokenize;

import java.nio.ByteBuffer;

/**
 * What Tokenize remembers of an item besides its vector, in a compact layout: format (1 byte),
 * version (4), event time (8), number of levels (1, 0 for an item that waits for its first codes),
 * codes (2 each). It is kept apart from the vector so that a scan reads and writes few bytes for an
 * item that does not move.
 *
 * @param version token version the codes were last checked against, 0 for none
 * @param time event time of the item, ms since the epoch
 * @param codes {@code [levels]} codes as the tokenizer chose them (before any repair); null for
 *     none
 */
record ItemCodes(int version, long time, int[] codes) {
  private static final byte FORMAT = 1;

  static ItemCodes waiting(long time) {
    return new ItemCodes(0, time, null);
  }

  byte[] toBytes() {
    int levels = codes == null ? 0 : codes.length;
    ByteBuffer out = ByteBuffer.allocate(14 + 2 * levels);
    out.put(FORMAT).putInt(version).putLong(time).put((byte) levels);
    for (int l = 0; l < levels; l++) {
      out.putShort((short) codes[l]);
    }
    return out.array();
  }

  static ItemCodes fromBytes(byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    byte format = in.get();
    if (format != FORMAT) {
      throw new IllegalStateException(
          "Tokenize's state of an item has format "
              + format
              + ", this version reads format "
              + FORMAT
              + ": start from a savepoint of a matching release");
    }
    int version = in.getInt();
    long time = in.getLong();
    int levels = in.get();
    if (levels == 0) {
      return new ItemCodes(version, time, null);
    }
    int[] codes = new int[levels];
    for (int l = 0; l < levels; l++) {
      codes[l] = in.getShort() & 0xffff;
    }
    return new ItemCodes(version, time, codes);
  }
}
