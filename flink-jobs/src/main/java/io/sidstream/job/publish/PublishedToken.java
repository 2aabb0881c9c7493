package io.sidstream.job.publish;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What Publish remembers of an item. Layout: format (1 byte), seq (8), version (4), commit (4), the
 * newest token, the token before; a token is its version (4, 0 for none), suffix (4), number of
 * levels (1), codes (2 each).
 *
 * @param seq of the newest answer seen
 * @param version token version of the newest answer seen
 * @param commit the version whose COMMIT counts the newest record; 0 if nothing was written
 * @param token the newest token; null after a deletion
 * @param before the token in the table committed as {@code commit - 1}; null for none
 */
record PublishedToken(long seq, int version, int commit, Ref token, Ref before) {
  private static final byte FORMAT = 1;

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
    ByteBuffer out = ByteBuffer.allocate(17 + size(token) + size(before));
    out.put(FORMAT).putLong(seq).putInt(version).putInt(commit);
    put(out, token);
    put(out, before);
    return out.array();
  }

  static PublishedToken fromBytes(byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    byte format = in.get();
    if (format != FORMAT) {
      throw new IllegalStateException(
          "Publish's state of an item has format "
              + format
              + ", this version reads format "
              + FORMAT
              + ": start from a savepoint of a matching release");
    }
    return new PublishedToken(in.getLong(), in.getInt(), in.getInt(), get(in), get(in));
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
