package io.sidstream.schemas;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The pieces of model parts as a reader of the models topic has them: the newest record of each
 * key. A part is there when all its pieces are of one revision and digest; while a newer revision
 * is being written over an older one, it is not. Not thread-safe.
 *
 * <pre>{@code
 * pieces.put(piece);                                  // each record of the topic, in order
 * pieces.remove(ModelParts.Key.of(key));              // a null value
 * pieces.whole(version, ModelPartKind.RECOMMENDER);   // once it is complete
 * }</pre>
 */
public final class ModelPieces {
  private final Map<Integer, Map<ModelPartKind, TreeMap<Integer, ModelPart>>> versions =
      new HashMap<>();

  /**
   * A part that is complete.
   *
   * @param revision recommender revision of its pieces
   * @param bytes of the whole
   */
  public record Whole(long revision, byte[] bytes) {}

  /**
   * Takes the newest record of a key.
   *
   * @throws ModelPartException where its index and count cannot be
   */
  public void put(ModelPart piece) {
    ModelParts.requirePlausible(piece);
    versions
        .computeIfAbsent(piece.getVersion(), v -> new HashMap<>())
        .computeIfAbsent(piece.getPart(), k -> new TreeMap<>())
        .put(piece.getIndex(), piece);
  }

  /** A record was removed. */
  public void remove(ModelParts.Key key) {
    Map<ModelPartKind, TreeMap<Integer, ModelPart>> kinds = versions.get(key.version());
    if (kinds != null && kinds.containsKey(key.kind())) {
      kinds.get(key.kind()).remove(key.index());
    }
  }

  /** The same pieces, to go on with apart. */
  public ModelPieces copy() {
    ModelPieces copy = new ModelPieces();
    versions
        .values()
        .forEach(kinds -> kinds.values().forEach(of -> of.values().forEach(copy::put)));
    return copy;
  }

  /** Forgets all pieces of versions below one. */
  public void forgetBelow(int version) {
    versions.keySet().removeIf(v -> v < version);
  }

  /** Forgets the pieces of a part. */
  public void forget(int version, ModelPartKind kind) {
    Map<ModelPartKind, TreeMap<Integer, ModelPart>> kinds = versions.get(version);
    if (kinds != null) {
      kinds.remove(kind);
    }
  }

  /**
   * The part of a version; empty where pieces are missing or of several revisions.
   *
   * @throws ModelPartException where all pieces are there and are not the part that they say
   */
  public Optional<Whole> whole(int version, ModelPartKind kind) {
    Collection<ModelPart> known =
        versions.getOrDefault(version, Map.of()).getOrDefault(kind, new TreeMap<>()).values();
    ModelPart newest = null;
    for (ModelPart piece : known) {
      if (newest == null || piece.getRevision() > newest.getRevision()) {
        newest = piece;
      }
    }
    if (newest == null) {
      return Optional.empty();
    }
    long revision = newest.getRevision();
    int count = newest.getCount();
    // An older revision may have had more pieces, whose last ones stay on the topic.
    List<ModelPart> pieces =
        known.stream().filter(p -> p.getRevision() == revision && p.getIndex() < count).toList();
    return pieces.size() < count
        ? Optional.empty()
        : Optional.of(new Whole(revision, ModelParts.join(pieces)));
  }
}
