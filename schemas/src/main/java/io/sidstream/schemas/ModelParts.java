package io.sidstream.schemas;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;

/**
 * Parts of a model as records of the models topic. A part is cut into pieces below the broker's
 * message limit; each piece says which it is of how many, and the SHA-256 of the whole. The key of
 * a piece is {@code version/part/index}, so that compaction leaves the newest revision of each part
 * of each token version.
 *
 * <pre>{@code
 * for (ModelPart piece : ModelParts.split(version, revision, ModelPartKind.ENCODER, bytes, now)) {
 *   send(ModelParts.key(piece), wire.encode(piece));
 * }
 * byte[] bytes = ModelParts.join(pieces);    // in any order
 * }</pre>
 *
 * <p>See {@link ModelPieces} for pieces as they come from the topic.
 */
public final class ModelParts {
  /** Bytes of a piece at most: below a broker's default message limit of 1 MiB. */
  public static final int PIECE_BYTES = 900_000;

  /** Pieces of a part at most: what fits into one array. */
  static final int MAX_PIECES = Integer.MAX_VALUE / PIECE_BYTES;

  private ModelParts() {}

  /**
   * The key of a piece.
   *
   * @param version token version, from 1
   * @param kind which part
   * @param index of the piece, from 0
   */
  public record Key(int version, ModelPartKind kind, int index) {
    /**
     * Reads the text of a key. A part of a later release is of kind {@link ModelPartKind#UNKNOWN}.
     *
     * @throws ModelPartException where it is not one
     */
    public static Key of(String text) {
      String[] fields = text.split("/", -1);
      if (fields.length == 3) {
        try {
          int version = Integer.parseInt(fields[0]);
          int index = Integer.parseInt(fields[2]);
          if (version >= 0 && index >= 0) {
            return new Key(version, kind(fields[1]), index);
          }
        } catch (NumberFormatException e) {
          // Told below.
        }
      }
      throw new ModelPartException(
          "the key of a model part is '%s'; expected: version/part/index, such as 3/ENCODER/0"
              .formatted(text));
    }

    private static ModelPartKind kind(String name) {
      for (ModelPartKind kind : ModelPartKind.values()) {
        if (kind.name().equals(name)) {
          return kind;
        }
      }
      return ModelPartKind.UNKNOWN;
    }

    @Override
    public String toString() {
      return version + "/" + kind + "/" + index;
    }
  }

  /** The key of a piece. */
  public static String key(ModelPart piece) {
    return new Key(piece.getVersion(), piece.getPart(), piece.getIndex()).toString();
  }

  /**
   * The keys of all pieces of a part: what a null value removes it with.
   *
   * @param bytes length of the part
   */
  public static List<String> keys(int version, ModelPartKind kind, int bytes) {
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < pieces(bytes); i++) {
      keys.add(new Key(version, kind, i).toString());
    }
    return keys;
  }

  /** Number of pieces of a part of so many bytes; 1 for none. */
  public static int pieces(int bytes) {
    return Math.max(1, (int) (((long) bytes + PIECE_BYTES - 1) / PIECE_BYTES));
  }

  /**
   * Cuts a part.
   *
   * @param version token version that it belongs to
   * @param revision recommender revision that it belongs to
   * @param time processing time of the records
   * @return its pieces in order; they share the memory of {@code whole}
   */
  public static List<ModelPart> split(
      int version, long revision, ModelPartKind kind, byte[] whole, Instant time) {
    String digest = digest(whole);
    int count = pieces(whole.length);
    List<ModelPart> pieces = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int from = i * PIECE_BYTES;
      ByteBuffer data = ByteBuffer.wrap(whole, from, Math.min(PIECE_BYTES, whole.length - from));
      pieces.add(new ModelPart(version, revision, kind, i, count, digest, data.slice(), time));
    }
    return pieces;
  }

  /**
   * Puts a part together.
   *
   * @param pieces of one part and revision, in any order; the same one may come again
   * @throws ModelPartException where pieces are of several parts, missing, contradict each other,
   *     or do not have the digest that they say
   */
  public static byte[] join(Collection<ModelPart> pieces) {
    if (pieces.isEmpty()) {
      throw new ModelPartException("a model part without pieces; expected: at least one");
    }
    ModelPart first = pieces.iterator().next();
    requirePlausible(first);
    ByteBuffer[] data = new ByteBuffer[first.getCount()];
    long length = 0;
    for (ModelPart piece : pieces) {
      requirePlausible(piece);
      requireSamePart(first, piece);
      ByteBuffer bytes = piece.getData().duplicate();
      ByteBuffer known = data[piece.getIndex()];
      if (known == null) {
        data[piece.getIndex()] = bytes;
        length += bytes.remaining();
      } else if (!known.equals(bytes)) {
        throw new ModelPartException("%s came twice, with other bytes".formatted(name(piece)));
      }
    }
    List<Integer> missing = new ArrayList<>();
    for (int i = 0; i < data.length; i++) {
      if (data[i] == null) {
        missing.add(i);
      }
    }
    if (!missing.isEmpty()) {
      throw new ModelPartException(
          "%s of token version %d, revision %d, has %d of %d pieces; missing: %s"
              .formatted(
                  first.getPart(),
                  first.getVersion(),
                  first.getRevision(),
                  data.length - missing.size(),
                  data.length,
                  missing.size() > 8 ? missing.subList(0, 8) + " and more" : missing));
    }
    if (length > Integer.MAX_VALUE - 8) {
      throw new ModelPartException(
          "%s has %d bytes in all, more than an array holds".formatted(name(first), length));
    }
    ByteBuffer whole = ByteBuffer.allocate((int) length);
    for (ByteBuffer piece : data) {
      whole.put(piece);
    }
    String digest = digest(whole.array());
    if (!digest.equals(first.getDigest())) {
      throw new ModelPartException(
          "%s of token version %d, revision %d, has SHA-256 %s, its pieces say %s: read the topic again, or have the job publish it again"
              .formatted(
                  first.getPart(),
                  first.getVersion(),
                  first.getRevision(),
                  digest,
                  first.getDigest()));
    }
    return whole.array();
  }

  static void requirePlausible(ModelPart piece) {
    int count = piece.getCount();
    if (count < 1 || count > MAX_PIECES || piece.getIndex() < 0 || piece.getIndex() >= count) {
      throw new ModelPartException(
          "%s; expected: a count in 1..%d and an index below it"
              .formatted(name(piece), MAX_PIECES));
    }
  }

  private static void requireSamePart(ModelPart first, ModelPart piece) {
    if (piece.getPart() != first.getPart()
        || piece.getVersion() != first.getVersion()
        || piece.getRevision() != first.getRevision()
        || piece.getCount() != first.getCount()
        || !piece.getDigest().equals(first.getDigest())) {
      throw new ModelPartException(
          "%s is of another part than %s; expected: the pieces of one part, revision and digest"
              .formatted(name(piece), name(first)));
    }
  }

  private static String name(ModelPart piece) {
    return "piece %d of %d of %s of token version %d, revision %d, with digest %.8s"
        .formatted(
            piece.getIndex(),
            piece.getCount(),
            piece.getPart(),
            piece.getVersion(),
            piece.getRevision(),
            piece.getDigest());
  }

  /** SHA-256, lower-case hex: the digest of a part. */
  public static String digest(byte[] whole) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(whole));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
