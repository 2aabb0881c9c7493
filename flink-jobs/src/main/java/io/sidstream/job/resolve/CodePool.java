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

  /** Bit per code: taken, or at rest. */
  private final BitSet used;

  /** Codes at rest and the first version that may have each; {@code rests} entries. */
  private int[] restingCodes;

  private int[] restingUntil;
  private int rests;

  private CodePool(BitSet used, int rests) {
    this.used = used;
    this.rests = rests;
    this.restingCodes = new int[Math.max(rests, 4)];
    this.restingUntil = new int[Math.max(rests, 4)];
  }

  static CodePool fromBytes(byte[] bytes) {
    if (bytes == null) {
      return new CodePool(new BitSet(), 0);
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
    byte[] bits = new byte[in.getShort() & 0xffff];
    in.get(bits);
    CodePool pool = new CodePool(BitSet.valueOf(bits), in.getShort() & 0xffff);
    for (int i = 0; i < pool.rests; i++) {
      pool.restingCodes[i] = in.getShort() & 0xffff;
      pool.restingUntil[i] = in.getInt();
    }
    return pool;
  }

  byte[] toBytes() {
    byte[] bits = used.toByteArray();
    ByteBuffer out = ByteBuffer.allocate(5 + bits.length + 6 * rests);
    out.put(FORMAT).putShort((short) bits.length).put(bits).putShort((short) rests);
    for (int i = 0; i < rests; i++) {
      out.putShort((short) restingCodes[i]).putInt(restingUntil[i]);
    }
    return out.array();
  }

  boolean isEmpty() {
    return used.isEmpty();
  }

  /** Whether a claim of the version may have the code. */
  boolean isFree(int code, int version) {
    if (!used.get(code)) {
      return true;
    }
    int i = resting(code);
    return i >= 0 && version >= restingUntil[i];
  }

  void take(int code) {
    used.set(code);
    int i = resting(code);
    if (i >= 0) {
      rests--;
      restingCodes[i] = restingCodes[rests];
      restingUntil[i] = restingUntil[rests];
    }
  }

  /** Gives a taken code back, for claims of the version or later. */
  void release(int code, int reusableFrom) {
    if (rests == restingCodes.length) {
      restingCodes = Arrays.copyOf(restingCodes, 2 * rests);
      restingUntil = Arrays.copyOf(restingUntil, 2 * rests);
    }
    restingCodes[rests] = code;
    restingUntil[rests++] = reusableFrom;
  }

  private int resting(int code) {
    for (int i = 0; i < rests; i++) {
      if (restingCodes[i] == code) {
        return i;
      }
    }
    return -1;
  }
}
