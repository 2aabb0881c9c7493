package io.sidstream.job.publish;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What Publish remembers of an item. Layout: format (1 byte), seq (8), version (4), commit (4), the
 * newest token, the token before, the chosen code (4; not in format 1); a token is its version (4,
 * 0 for none), suffix (4), number of levels (1), codes (2 each).
 *
 * @param seq of the newest answer seen
 * @param version token version of the newest answer seen
 * @param commit the version whose COMMIT counts the newest record; 0 if nothing was written
 * @param token the newest token; null after a deletion
 * @param before the token in the table committed as {@code commit - 1}; null for none
 * @param chosen the last code as the quantizer chose it, before a collision was repaired (the codes
 *     before it are those of the token); {@value #NOT_KNOWN} for none
 */
record PublishedToken(long seq, int version, int commit, Ref token, Ref before, int chosen) {
  private static final byte FORMAT = 2;

  /** Of no token, or of one that format 1 was written of. */
  static final int NOT_KNOWN = -1;

  PublishedToken(long seq, int version, int commit, Ref token, Ref before) {
    this(seq, version, commit, token, before, NOT_KNOWN);
  }

  /**
   * A token.
   *
   * @param version token version of the row that published it
   * @param codes {@code [levels]}
   * @param suffix 0 for none
   */
  record Ref(int version, int[] codes, int suffix) {

    boolean sameToken(Ref other) {
      return other != null && suffix == other.suffix && Arrays.equals(codes, other.codes);
    }
  }

  /** The token that the item has in the table committed as {@code commit - 1}. */
  Ref previousFor(int nextCommit) {
    return commit < nextCommit ? token : before;
  }

  byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(21 + size(token) + size(before));
    out.put(FORMAT).putLong(seq).putInt(version).putInt(commit);
    put(out, token);
    put(out, before);
    return out.putInt(chosen).array();
  }

  static PublishedToken fromBytes(byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    byte format = in.get();
    if (format < 1 || format > FORMAT) {
      throw new IllegalStateException(
          "Publish's state of an item has format "
              + format
              + ", this version reads formats 1 to "
              + FORMAT
              + ": start from a savepoint of a matching release");
    }
    return new PublishedToken(
        in.getLong(),
        in.getInt(),
        in.getInt(),
        get(in),
        get(in),
        format == 1 ? NOT_KNOWN : in.getInt());
  }

  private static int size(Ref ref) {
    return ref == null ? 4 : 9 + 2 * ref.codes.length;
  }

  private static void put(ByteBuffer out, Ref ref) {
    if (ref == null) {
      out.putInt(0);
      return;
    }
    out.putInt(ref.version).putInt(ref.suffix).put((byte) ref.codes.length);
    for (int code : ref.codes) {
      out.putShort((short) code);
    }
  }

  private static Ref get(ByteBuffer in) {
    int version = in.getInt();
    if (version == 0) {
      return null;
    }
    int suffix = in.getInt();
    int[] codes = new int[in.get()];
    for (int l = 0; l < codes.length; l++) {
      codes[l] = in.getShort() & 0xffff;
    }
    return new Ref(version, codes, suffix);
  }
}
