package io.sidstream.client;

import io.sidstream.schemas.TokenChecksum;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * The token table at one moment: immutable, so that several reads of one view agree with each
 * other. Any thread, no locks.
 */
public final class TokenView {
  private static final int[] NO_CODES = new int[0];

  final ItemDictionary.Index items;
  final int rows;
  final TokenPages tokens;
  final int[] order;
  final EmbeddingPages embeddings;
  final Codebooks codebooks;
  final Verified commit;

  /** The tokens without additions. */
  final TokenPages committed;

  /**
   * What a version's COMMIT record said and the rows agree with.
   *
   * @param version 0 before the first
   * @param revision of the recommender, when the version was made
   * @param items tokens counted
   * @param checksum of the table
   * @param time of the record, ms since the epoch
   */
  record Verified(int version, long revision, long items, long checksum, long time) {
    static final Verified NONE = new Verified(0, 0, 0, 0, 0);
  }

  TokenView(
      ItemDictionary.Index items,
      int rows,
      TokenPages tokens,
      int[] order,
      EmbeddingPages embeddings,
      Codebooks codebooks,
      Verified commit,
      TokenPages committed) {
    this.items = items;
    this.rows = rows;
    this.tokens = tokens;
    this.order = order;
    this.embeddings = embeddings;
    this.codebooks = codebooks;
    this.commit = commit;
    this.committed = committed;
  }

  static TokenView empty() {
    TokenPages none = new TokenPages().freeze();
    return new TokenView(
        new ItemDictionary().index(),
        0,
        none,
        new int[0],
        new EmbeddingPages().freeze(),
        null,
        Verified.NONE,
        none);
  }

  TokenView withEmbeddings(ItemDictionary.Index index, int limit, EmbeddingPages newer) {
    return new TokenView(index, limit, tokens, order, newer, codebooks, commit, committed);
  }

  /** The token version served, 0 before the first that was complete. */
  public int version() {
    return commit.version();
  }

  /** The recommender's revision when the version was made. */
  public long revision() {
    return commit.revision();
  }

  /** When the version was committed; null before the first. */
  public Instant committed() {
    return version() == 0 ? null : Instant.ofEpochMilli(commit.time());
  }

  /** Items with a token, additions among them. */
  public int size() {
    return order.length;
  }

  /** Items that the version's COMMIT record counts: {@link #size()} without additions. */
  public long committedItems() {
    return commit.items();
  }

  /** The order-free checksum of the committed table (see TokenChecksum). */
  public long committedChecksum() {
    return commit.checksum();
  }

  /** Codes of a token; 0 of an empty table. */
  public int levels() {
    return tokens.levels();
  }

  /** The token of an item, null where it has none. */
  public Token get(String item) {
    int row = row(item);
    return row < 0 ? null : tokens.get(row);
  }

  private int row(String item) {
    return items.row(item.getBytes(StandardCharsets.UTF_8), rows);
  }

  /**
   * The items whose codes begin so, in the order of codes and suffix.
   *
   * @param prefix codes of the first levels: all levels (then it is one item, or several with
   *     suffixes), some, or none (then it is every item)
   */
  public List<String> items(int... prefix) {
    check(prefix);
    int from = Order.first(order, tokens, prefix, -1);
    int to = Order.end(order, tokens, prefix, from, order.length);
    List<String> found = new ArrayList<>(to - from);
    for (int i = from; i < to; i++) {
      found.add(items.name(order[i]));
    }
    return found;
  }

  /**
   * The item that has exactly a token, null for none.
   *
   * @param codes {@code [levels]}
   * @param suffix 0 for none
   */
  public String item(int[] codes, int suffix) {
    check(codes);
    if (order.length == 0 || codes.length < levels()) {
      return null;
    }
    int row = Order.find(order, tokens, codes, suffix);
    return row < 0 ? null : items.name(row);
  }

  /**
   * The codes that may follow a prefix, ascending: what constrained decoding may choose from. After
   * the codes of all levels these are the suffixes, 0 for none. Takes time by the number of
   * children and the logarithm of the table.
   */
  public int[] children(int... prefix) {
    check(prefix);
    int[] codes = Arrays.copyOf(prefix, prefix.length + 1);
    int at = Order.first(order, tokens, prefix, -1);
    int to = Order.end(order, tokens, prefix, at, order.length);
    int[] found = new int[16];
    int n = 0;
    while (at < to) {
      if (n == found.length) {
        found = Arrays.copyOf(found, 2 * n);
      }
      if (prefix.length == tokens.levels()) {
        found[n++] = tokens.suffix(order[at++]);
      } else {
        codes[prefix.length] = tokens.code(order[at], prefix.length);
        found[n++] = codes[prefix.length];
        at = Order.end(order, tokens, codes, at, to);
      }
    }
    return n == 0 ? NO_CODES : Arrays.copyOf(found, n);
  }

  private void check(int[] prefix) {
    if (prefix.length > tokens.levels() && order.length > 0) {
      throw new IllegalArgumentException(
          "prefix %s has %d codes; tokens have %d"
              .formatted(Arrays.toString(prefix), prefix.length, tokens.levels()));
    }
  }

  /**
   * z, {@code [semantic dim]}: the sum of the item's codewords in the codebooks of this version;
   * null where the item has no token.
   *
   * @throws TokenTableException where the codebooks are not on the models topic
   */
  public float[] semanticEmbedding(String item) {
    Token token = get(item);
    if (token == null) {
      return null;
    }
    float[] z = new float[codebooks().dim()];
    codebooks.sum(token.codes(), z);
    return z;
  }

  /**
   * e, {@code [id dim]}, as the newest revision that was published has it; null where the item has
   * none (yet).
   */
  public float[] idEmbedding(String item) {
    int row = row(item);
    float[] e = new float[embeddings.dim()];
    return row >= 0 && e.length > 0 && embeddings.get(row, e, 0) ? e : null;
  }

  /**
   * [z ‖ e], {@code [semantic dim + id dim]}; null where the item has no token. e is zero where the
   * item has none yet, and left out where the model has no ID embeddings.
   */
  public float[] representation(String item) {
    int row = row(item);
    Token token = row < 0 ? null : tokens.get(row);
    if (token == null) {
      return null;
    }
    float[] s = new float[codebooks().dim() + embeddings.dim()];
    codebooks.sum(token.codes(), s);
    if (embeddings.dim() > 0) {
      embeddings.get(row, s, codebooks.dim());
    }
    return s;
  }

  private Codebooks codebooks() {
    if (codebooks == null) {
      throw new TokenTableException(
          "the codebooks of version %d are not on the models topic, or it is not read"
              .formatted(version()));
    }
    return codebooks;
  }

  /** Visits every item with a token, additions among them, in the order of codes and suffix. */
  public void forEach(BiConsumer<String, Token> visitor) {
    for (int row : order) {
      visitor.accept(items.name(row), tokens.get(row));
    }
  }

  /** Visits every item that the version's COMMIT record counts, in no order. */
  public void forEachCommitted(BiConsumer<String, Token> visitor) {
    for (int row = 0; row < committed.pages() * TokenPages.PAGE; row++) {
      Token token = committed.get(row);
      if (token != null) {
        visitor.accept(items.name(row), token);
      }
    }
  }

  /**
   * Counts and sums the committed table anew, all of it.
   *
   * @throws TokenTableException where it is not what the version's COMMIT record says
   */
  public void verify() {
    long[] sums = new long[2];
    forEachCommitted(
        (item, token) -> {
          sums[0]++;
          sums[1] += TokenChecksum.of(item, token.codes(), token.suffix());
        });
    if (sums[0] != commit.items() || sums[1] != commit.checksum()) {
      throw disagreement(sums[0], sums[1], commit);
    }
  }

  static TokenTableException disagreement(long items, long checksum, Verified commit) {
    return new TokenTableException(
        "the table as of version %d has %d items with checksum %016x, its COMMIT record says %d and %016x: rows are missing, or foreign to it"
            .formatted(commit.version(), items, checksum, commit.items(), commit.checksum()));
  }

  /** Every item that differs; pages that both share are passed over. */
  void difference(TokenView after, TokenChange.Difference visitor) {
    if (items.sameRows(after.items) || rows == 0) {
      int pages = Math.max(tokens.pages(), after.tokens.pages());
      for (int page = 0; page < pages; page++) {
        if (!tokens.samePage(after.tokens, page)) {
          int from = page * TokenPages.PAGE;
          for (int row = from; row < from + TokenPages.PAGE; row++) {
            Token was = tokens.get(row);
            Token is = after.tokens.get(row);
            if (was == null ? is != null : !was.sameToken(is)) {
              visitor.accept(after.items.name(row), was, is);
            }
          }
        }
      }
      return;
    }
    // The rows were numbered anew in between.
    for (int row : order) {
      String item = items.name(row);
      Token is = after.get(item);
      Token was = tokens.get(row);
      if (!was.sameToken(is)) {
        visitor.accept(item, was, is);
      }
    }
    for (int row : after.order) {
      String item = after.items.name(row);
      if (get(item) == null) {
        visitor.accept(item, null, after.tokens.get(row));
      }
    }
  }

  @Override
  public String toString() {
    return "version %d, %,d items".formatted(version(), size());
  }
}
