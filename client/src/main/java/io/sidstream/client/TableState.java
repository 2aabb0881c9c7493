package io.sidstream.client;

import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelPieces;
import io.sidstream.schemas.TokenChecksum;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the records of the topics amount to, without Kafka: fed in the order of each partition, it
 * says which versions are complete. For one thread.
 *
 * <p>A table is kept as of a version, the <em>floor</em>, and each version above it as what it has
 * otherwise than the one before ({@link Overlay}). A row that commit c counts says the item's token
 * in the tables c and above until the next row, and, with the token that it replaces, that in table
 * c - 1. So a reader that joins when many rows of the next version are written, or finds older rows
 * compacted away, still has the whole of the version before.
 *
 * <p>A version is believed when its table has the count and the checksum of its COMMIT record. Both
 * are kept up with each row, so that asking costs nothing.
 */
final class TableState {
  ItemDictionary items = new ItemDictionary();
  TokenPages base = new TokenPages();
  EmbeddingPages embeddings = new EmbeddingPages();
  int floor;
  long baseItems;
  long baseChecksum;
  final TreeMap<Integer, Overlay> above = new TreeMap<>();
  final TreeMap<Integer, TokenView.Verified> commits = new TreeMap<>();
  final TreeMap<Integer, Codebooks> codebooks = new TreeMap<>();

  /** Pieces of codebooks that have arrived. */
  private ModelPieces pieces = new ModelPieces();

  /** Rows that may be, or may have ceased to be, additions of the live table. */
  private BitSet candidates = new BitSet();

  private boolean embeddingsChanged;

  /**
   * Nothing read.
   *
   * @param floor the oldest version of interest
   */
  TableState(int floor) {
    this.floor = floor;
  }

  /** A row of the tokens topic. */
  void row(byte[] item, int commit, Token token, Token previous) {
    int levels = levels();
    if (token.codes().length == 0 || levels != 0 && token.codes().length != levels) {
      throw new IllegalArgumentException(
          "row has %d codes, the table's tokens have %d".formatted(token.codes().length, levels));
    }
    for (int code : token.codes()) {
      if (code < 0 || code > 0xffff) {
        throw new IllegalArgumentException("code " + code + "; expected: 0..65535");
      }
    }
    if (token.version() < 1 || commit < token.version() || token.suffix() < 0) {
      throw new IllegalArgumentException(
          "row of version %d, commit %d, suffix %d; expected: 1 <= version <= commit, suffix >= 0"
              .formatted(token.version(), commit, token.suffix()));
    }
    apply(items.add(item), commit, token, previous);
  }

  /** A removal on the tokens topic. */
  void removal(byte[] item, int commit, Token previous) {
    int row = items.index().row(item, items.size());
    if (row >= 0 || previous != null) {
      apply(items.add(item), commit, null, previous);
    }
  }

  int levels() {
    return base.levels() != 0 ? base.levels() : levelsSeen;
  }

  /** Codes of the tokens, 0 before the first. */
  int levelsSeen;

  private void apply(int row, int commit, Token token, Token previous) {
    if (commit > floor) {
      if (!same(at(commit - 1, row), previous)) {
        set(commit - 1, row, previous);
      }
      candidates.set(row);
    }
    set(Math.max(commit, floor), row, token);
  }

  private static boolean same(Token a, Token b) {
    return a == null ? b == null : a.equals(b);
  }

  /** The token of a row in the table of a version, at least the floor. */
  private Token at(int version, int row) {
    for (Overlay overlay : above.headMap(version, true).descendingMap().values()) {
      int entry = overlay.find(row);
      if (entry >= 0) {
        return overlay.token(entry);
      }
    }
    return base.get(row);
  }

  private void set(int version, int row, Token token) {
    Token old = at(version, row);
    if (same(old, token)) {
      return;
    }
    if (token != null) {
      levelsSeen = token.codes().length;
    }
    String item = items.index().name(row);
    long count = (token == null ? 0 : 1) - (old == null ? 0 : 1);
    long sum = checksum(item, token) - checksum(item, old);
    // What the next version says of the row itself stays as it is.
    for (Overlay next : above.tailMap(version, false).values()) {
      if (next.find(row) >= 0) {
        next.items -= count;
        next.checksum -= sum;
        break;
      }
    }
    if (version == floor) {
      baseItems += count;
      baseChecksum += sum;
      base.set(row, token);
    } else {
      Overlay overlay = above.computeIfAbsent(version, v -> new Overlay(levels()));
      overlay.items += count;
      overlay.checksum += sum;
      overlay.put(row, token);
    }
  }

  private static long checksum(String item, Token token) {
    return token == null ? 0 : TokenChecksum.of(item, token.codes(), token.suffix());
  }

  /** A COMMIT record. */
  void commit(TokenView.Verified commit) {
    if (commit.version() >= floor && commit.version() > 0) {
      commits.put(commit.version(), commit);
    }
  }

  /** A piece of codebooks; they are there when the last piece is. */
  void codebooks(ModelPart piece) {
    int version = piece.getVersion();
    if (version < floor || codebooks.containsKey(version)) {
      return;
    }
    pieces.put(piece);
    pieces
        .whole(version, ModelPartKind.CODEBOOKS)
        .ifPresent(
            whole -> {
              codebooks.put(version, new Codebooks(whole.bytes()));
              pieces.forget(version, ModelPartKind.CODEBOOKS);
            });
  }

  /** An ID embedding; null removes it. */
  void embedding(byte[] item, float[] e) {
    if (e == null) {
      int row = items.index().row(item, items.size());
      if (row >= 0) {
        embeddings.set(row, null);
        embeddingsChanged = true;
      }
      return;
    }
    if (e.length == 0 || embeddings.dim() != 0 && e.length != embeddings.dim()) {
      throw new IllegalArgumentException(
          "ID embedding of %d dimensions, the others have %d"
              .formatted(e.length, embeddings.dim()));
    }
    embeddings.set(items.add(item), e);
    embeddingsChanged = true;
  }

  /** Puts back what a version has otherwise than the one before; a token is null for none. */
  void restore(int version, long count, long checksum, int[] rows, Token[] tokens) {
    Overlay overlay = new Overlay(levels());
    for (int i = 0; i < rows.length; i++) {
      overlay.put(rows[i], tokens[i]);
      candidates.set(rows[i]);
    }
    overlay.items = count;
    overlay.checksum = checksum;
    above.put(version, overlay);
  }

  /** Whether an embedding changed since the last call. */
  boolean takeEmbeddingsChanged() {
    boolean changed = embeddingsChanged;
    embeddingsChanged = false;
    return changed;
  }

  /** Items in the table of a version, at least the floor. */
  long itemsAt(int version) {
    long sum = baseItems;
    for (Overlay overlay : above.headMap(version, true).values()) {
      sum += overlay.items;
    }
    return sum;
  }

  /** Checksum of the table of a version, at least the floor. */
  long checksumAt(int version) {
    long sum = baseChecksum;
    for (Overlay overlay : above.headMap(version, true).values()) {
      sum += overlay.checksum;
    }
    return sum;
  }

  /** Whether the table of a version, at least the floor, is what its COMMIT record says. */
  boolean verified(int version) {
    TokenView.Verified commit = commits.get(version);
    return commit != null
        && itemsAt(version) == commit.items()
        && checksumAt(version) == commit.checksum();
  }

  /** Versions from the floor on that are complete, ascending. */
  List<Integer> verified() {
    List<Integer> complete = new ArrayList<>();
    for (int version : commits.keySet()) {
      if (verified(version)) {
        complete.add(version);
      }
    }
    return complete;
  }

  /** Makes a version the floor. */
  void promote(int version) {
    Map<Integer, Overlay> passed = above.headMap(version, true);
    for (Overlay overlay : passed.values()) {
      for (int entry = 0; entry < overlay.size(); entry++) {
        base.set(overlay.row(entry), overlay.token(entry));
      }
      baseItems += overlay.items;
      baseChecksum += overlay.checksum;
    }
    passed.clear();
    floor = Math.max(floor, version);
    commits.headMap(floor, false).clear();
    codebooks.headMap(floor, false).clear();
    pieces.forgetBelow(floor);
    // The view is built anew from the table, so every row of the next version is to be looked at.
    candidates.clear();
    Overlay next = above.get(floor + 1);
    for (int entry = 0; next != null && entry < next.size(); entry++) {
      candidates.set(next.row(entry));
    }
  }

  /**
   * The same state with rows numbered anew where more than half of them are of items that are gone;
   * else this. An ID embedding of an item without a token goes too.
   *
   * @param least fewer items are left as they are
   */
  TableState renumbered(int least) {
    if (items.size() < least
        || items.size() < 2 * (baseItems + above.values().stream().mapToInt(Overlay::size).sum())) {
      return this;
    }
    TableState to = new TableState(floor);
    to.levelsSeen = levels();
    float[] e = new float[embeddings.dim()];
    for (int row = 0; row < items.size(); row++) {
      int at = row;
      if (base.version(row) == 0 && above.values().stream().allMatch(o -> o.find(at) < 0)) {
        continue;
      }
      int renumbered = to.items.add(items.index().item(row));
      to.base.set(renumbered, base.get(row));
      above.forEach(
          (version, overlay) -> {
            int entry = overlay.find(at);
            if (entry >= 0) {
              to.above
                  .computeIfAbsent(version, v -> new Overlay(levels()))
                  .put(renumbered, overlay.token(entry));
            }
          });
      if (e.length > 0 && embeddings.get(row, e, 0)) {
        to.embeddings.set(renumbered, e.clone());
      }
    }
    to.baseItems = baseItems;
    to.baseChecksum = baseChecksum;
    above.forEach(
        (version, overlay) -> {
          Overlay sums = to.above.computeIfAbsent(version, v -> new Overlay(levels()));
          sums.items = overlay.items;
          sums.checksum = overlay.checksum;
        });
    to.commits.putAll(commits);
    to.codebooks.putAll(codebooks);
    to.pieces = pieces.copy();
    Overlay next = to.above.get(floor + 1);
    for (int entry = 0; next != null && entry < next.size(); entry++) {
      to.candidates.set(next.row(entry));
    }
    return to;
  }

  /** The view of the table as of the floor. */
  TokenView view() {
    TokenPages tokens = base.freeze();
    return new TokenView(
        items.index(),
        items.size(),
        tokens,
        Order.of(tokens, items.size()),
        embeddings.freeze(),
        codebooks.get(floor),
        commits.get(floor),
        tokens);
  }

  /**
   * The view with the additions that have come since the last call: items that are not in the
   * table, whose newest row is of the floor's version and whose token no other item of the view
   * has. The same view where there is nothing new.
   */
  TokenView withAdditions(TokenView view) {
    Overlay next = above.get(floor + 1);
    Set<Integer> gone = new HashSet<>();
    Map<Integer, Token> come = new TreeMap<>();
    BitSet later = new BitSet();
    for (int row = candidates.nextSetBit(0); row >= 0; row = candidates.nextSetBit(row + 1)) {
      if (base.version(row) != 0) {
        continue;
      }
      int entry = next == null ? -1 : next.find(row);
      Token token = entry < 0 ? null : next.token(entry);
      Token served = view.tokens.get(row);
      if (token == null) {
        if (served != null) {
          gone.add(row);
        }
      } else if (token.version() <= floor && !token.equals(served)) {
        come.put(row, token);
        if (served != null) {
          gone.add(row);
        }
      }
    }
    // Whoever is refused keeps the token that it is served with, which may refuse another.
    boolean refused = true;
    while (refused) {
      refused = false;
      Set<Token> taken = new HashSet<>();
      for (int row : List.copyOf(come.keySet())) {
        Token token = come.get(row);
        int holder = Order.find(view.order, view.tokens, token.codes(), token.suffix());
        Token key = new Token(token.codes(), token.suffix(), 0);
        if (holder >= 0 && !gone.contains(holder) || !taken.add(key)) {
          come.remove(row);
          gone.remove(row);
          later.set(row);
          refused = true;
        }
      }
    }
    candidates = later;
    if (gone.isEmpty() && come.isEmpty()) {
      return view;
    }
    TokenPages tokens = view.tokens.thaw();
    gone.forEach(row -> tokens.set(row, null));
    come.forEach(tokens::set);
    int[] order = gone.isEmpty() ? view.order : Order.without(view.order, gone);
    int[] sorted =
        come.keySet().stream()
            .sorted((a, b) -> compare(come.get(a), come.get(b)))
            .mapToInt(Integer::intValue)
            .toArray();
    TokenPages frozen = tokens.freeze();
    return new TokenView(
        items.index(),
        items.size(),
        frozen,
        Order.merge(order, sorted, frozen),
        view.embeddings,
        view.codebooks,
        view.commit,
        view.committed);
  }

  /** Whether a row is the same item in a view and here. */
  boolean sameRows(TokenView view) {
    return view.items.sameRows(items.index());
  }

  /** An older view's committed table with the rows of this state. */
  TokenView renumbered(TokenView old) {
    TokenPages tokens = new TokenPages();
    old.forEachCommitted(
        (item, token) -> tokens.set(items.add(item.getBytes(StandardCharsets.UTF_8)), token));
    TokenPages frozen = tokens.freeze();
    return new TokenView(
        items.index(),
        items.size(),
        frozen,
        Order.of(frozen, items.size()),
        old.embeddings,
        old.codebooks,
        old.commit,
        frozen);
  }

  private static int compare(Token a, Token b) {
    int c = Arrays.compare(a.codes(), b.codes());
    return c != 0 ? c : Integer.compare(a.suffix(), b.suffix());
  }
}
