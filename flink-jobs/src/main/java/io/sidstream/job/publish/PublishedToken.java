package io.sidstream.job.publish;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What Publish remembers of an item. Layout: format (1 byte), seq (8), version (4), commit (4), the
 * newest token, the token before; a token is its version (4, 0 for none), suffix (4), number of
 * levels (1), codes (2 each). Since format 2 then why it is as it is: number of distances (1, 0 for
 * nothing to say), and where there are any revision (8), event time (8), nearest last code (2),
 * distances (4 each), margins (4 each).
 *
 * @param seq of the newest answer seen
 * @param version token version of the newest answer seen
 * @param commit the version whose COMMIT counts the newest record; 0 if nothing was written
 * @param token the newest token; null after a deletion
 * @param before the token in the table committed as {@code commit - 1}; null for none
 * @param why the rest of the newest row; null after a deletion, and in state of earlier builds
 */
record PublishedToken(long seq, int version, int commit, Ref token, Ref before, Why why) {
  private static final byte FORMAT = 2;

  /** Chosen code of no token, or of one that format 1 was written of. */
  static final int NOT_KNOWN = -1;

  /** Without what only a row has. */
  PublishedToken(long seq, int version, int commit, Ref token, Ref before) {
    this(seq, version, commit, token, before, null);
  }

  /**
   * What a row says beside its token.
   *
   * @param revision recommender revision
   * @param time event time of the item, ms since the epoch
   * @param nearestLast the last code before repair; the codes before it are those of the token
   * @param distances {@code [levels]}
   * @param margins {@code [levels]}
   */
  record Why(long revision, long time, int nearestLast, float[] distances, float[] margins) {}

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

  /** The last code as the quantizer chose it, before a collision was repaired. */
  int chosen() {
    return why == null ? NOT_KNOWN : why.nearestLast;
  }

  /** The token that the item has in the table committed as {@code commit - 1}. */
  Ref previousFor(int nextCommit) {
    return commit < nextCommit ? token : before;
  }

  byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(17 + size(token) + size(before) + size(why));
    out.put(FORMAT).putLong(seq).putInt(version).putInt(commit);
    put(out, token);
    put(out, before);
    put(out, why);
    return out.array();
  }

  static PublishedToken fromBytes(byte[] bytes) {
    if (bytes == null) {
      return null;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    byte format = in.get();
    if (format != 1 && format != FORMAT) {
      throw new IllegalStateException(
          "Publish's state of an item has format "
              + format
              + ", this version reads formats 1 to "
              + FORMAT
              + ": start from a savepoint of a matching release");
    }
    return new PublishedToken(
        in.getLong(), in.getInt(), in.getInt(), get(in), get(in), format == 1 ? null : getWhy(in));
  }

  private static int size(Why why) {
    return why == null ? 1 : 19 + 8 * why.distances.length;
  }

  private static void put(ByteBuffer out, Why why) {
    if (why == null) {
      out.put((byte) 0);
      return;
    }
    out.put((byte) why.distances.length).putLong(why.revision).putLong(why.time);
    out.putShort((short) why.nearestLast);
    for (float distance : why.distances) {
      out.putFloat(distance);
    }
    for (float margin : why.margins) {
      out.putFloat(margin);
    }
  }

  private static Why getWhy(ByteBuffer in) {
    int levels = in.get();
    if (levels == 0) {
      return null;
    }
    long revision = in.getLong();
    long time = in.getLong();
    int nearestLast = in.getShort() & 0xffff;
    float[] distances = new float[levels];
    float[] margins = new float[levels];
    for (int l = 0; l < levels; l++) {
      distances[l] = in.getFloat();
    }
    for (int l = 0; l < levels; l++) {
      margins[l] = in.getFloat();
    }
    return new Why(revision, time, nearestLast, distances, margins);
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
