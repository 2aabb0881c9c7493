package io.sidstream.job.resolve;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Which last-level codes of a prefix are taken, and which rest after their release. Its size
 * depends on the codebook, never on the number of items. Layout: format (1 byte), length of the bit
 * set (2), bit set of the codes that are not free, number of codes at rest (2), then for each the
 * code (2) and the first version that may have it (4).
 */
final class CodePool {
  private static final byte FORMAT = 1;

  /** First version that may have a code at rest, where a code is taken. */
  private static final int TAKEN = Integer.MAX_VALUE;

  /** By code: the first version whose claims may have it; 0 for a free code. */
  private int[] reusableFrom;

  private CodePool(int[] reusableFrom) {
    this.reusableFrom = reusableFrom;
  }

  static CodePool fromBytes(byte[] bytes) {
    if (bytes == null) {
      return new CodePool(new int[0]);
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    byte format = in.get();
    if (format != FORMAT) {
      throw new IllegalStateException(
          "Resolve's state of a prefix has format "
              + format
              + ", this version reads format "
              + FORMAT
              + ": start from a savepoint of a matching release");
    }
    byte[] bits = new byte[in.getShort()];
    in.get(bits);
    BitSet used = BitSet.valueOf(bits);
    CodePool pool = new CodePool(new int[used.length()]);
    for (int code = used.nextSetBit(0); code >= 0; code = used.nextSetBit(code + 1)) {
      pool.reusableFrom[code] = TAKEN;
    }
    for (int rests = in.getShort(); rests > 0; rests--) {
      pool.reusableFrom[in.getShort()] = in.getInt();
    }
    return pool;
  }

  byte[] toBytes() {
    BitSet used = new BitSet(reusableFrom.length);
    int rests = 0;
    for (int code = 0; code < reusableFrom.length; code++) {
      if (reusableFrom[code] != 0) {
        used.set(code);
        rests += reusableFrom[code] == TAKEN ? 0 : 1;
      }
    }
    byte[] bits = used.toByteArray();
    ByteBuffer out = ByteBuffer.allocate(5 + bits.length + 6 * rests);
    out.put(FORMAT).putShort((short) bits.length).put(bits).putShort((short) rests);
    for (int code = 0; code < reusableFrom.length; code++) {
      if (reusableFrom[code] != 0 && reusableFrom[code] != TAKEN) {
        out.putShort((short) code).putInt(reusableFrom[code]);
      }
    }
    return out.array();
  }

  /** Codes that no claim of the version may have. */
  int used(int version) {
    int used = 0;
    for (int code = 0; code < reusableFrom.length; code++) {
      used += isFree(code, version) ? 0 : 1;
    }
    return used;
  }

  /** Whether a claim of the version may have the code. */
  boolean isFree(int code, int version) {
    return code >= reusableFrom.length
        || (reusableFrom[code] != TAKEN && version >= reusableFrom[code]);
  }

  void take(int code) {
    if (code >= reusableFrom.length) {
      reusableFrom = Arrays.copyOf(reusableFrom, code + 1);
    }
    reusableFrom[code] = TAKEN;
  }

  /** Gives a taken code back, for claims of the version (from 1) or later. */
  void release(int code, int version) {
    reusableFrom[code] = version;
  }
}
