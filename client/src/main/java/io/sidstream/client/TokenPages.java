package io.sidstream.client;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Tokens by row, in pages that copies share until one of them writes. A frozen copy is immutable
 * and safe for any thread that it is handed to safely.
 */
final class TokenPages {
  private static final int BITS = 10;

  /** Rows of a page. */
  static final int PAGE = 1 << BITS;

  private int levels;

  /** {@code [page][PAGE * levels]} codes, unsigned. */
  private short[][] codes;

  /** {@code [page][PAGE]} version of the row, 0 for no token. */
  private int[][] versions;

  /** {@code [page][PAGE]}; null for a page without suffixes. */
  private int[][] suffixes;

  /** Pages that no other copy shares; null when frozen. */
  private BitSet own;

  TokenPages() {
    this(0, new short[0][], new int[0][], new int[0][], new BitSet());
  }

  private TokenPages(int levels, short[][] codes, int[][] versions, int[][] suffixes, BitSet own) {
    this.levels = levels;
    this.codes = codes;
    this.versions = versions;
    this.suffixes = suffixes;
    this.own = own;
  }

  /** Codes of a token; 0 before the first. */
  int levels() {
    return levels;
  }

  int pages() {
    return versions.length;
  }

  boolean samePage(TokenPages other, int page) {
    return (page < pages() ? versions[page] : null)
        == (page < other.pages() ? other.versions[page] : null);
  }

  /** Token version of the row, 0 for none. */
  int version(int row) {
    int page = row >>> BITS;
    return page >= versions.length ? 0 : versions[page][row & PAGE - 1];
  }

  int code(int row, int level) {
    return codes[row >>> BITS][(row & PAGE - 1) * levels + level] & 0xffff;
  }

  int suffix(int row) {
    int[] page = suffixes[row >>> BITS];
    return page == null ? 0 : page[row & PAGE - 1];
  }

  /** The token, null for none. */
  Token get(int row) {
    int version = version(row);
    if (version == 0) {
      return null;
    }
    int[] all = new int[levels];
    for (int l = 0; l < levels; l++) {
      all[l] = code(row, l);
    }
    return new Token(all, suffix(row), version);
  }

  /** Sets or, with null, removes. */
  void set(int row, Token token) {
    int page = row >>> BITS;
    int at = row & PAGE - 1;
    if (token == null && version(row) == 0) {
      return;
    }
    if (levels == 0) {
      levels = token.codes().length;
    }
    if (page >= versions.length) {
      codes = Arrays.copyOf(codes, page + 1);
      suffixes = Arrays.copyOf(suffixes, page + 1);
      int old = versions.length;
      versions = Arrays.copyOf(versions, page + 1);
      for (int p = old; p <= page; p++) {
        codes[p] = new short[PAGE * levels];
        versions[p] = new int[PAGE];
        own.set(p);
      }
    } else if (!own.get(page)) {
      codes[page] = codes[page].clone();
      versions[page] = versions[page].clone();
      suffixes[page] = suffixes[page] == null ? null : suffixes[page].clone();
      own.set(page);
    }
    versions[page][at] = token == null ? 0 : token.version();
    int suffix = token == null ? 0 : token.suffix();
    if (suffix != 0 && suffixes[page] == null) {
      suffixes[page] = new int[PAGE];
    }
    if (suffixes[page] != null) {
      suffixes[page][at] = suffix;
    }
    for (int l = 0; l < levels; l++) {
      codes[page][at * levels + l] = token == null ? 0 : (short) token.codes()[l];
    }
  }

  /** An immutable copy as of now. */
  TokenPages freeze() {
    own.clear();
    return new TokenPages(levels, codes.clone(), versions.clone(), suffixes.clone(), null);
  }

  /** A copy that can be written. */
  TokenPages thaw() {
    if (own != null) {
      own.clear();
    }
    return new TokenPages(levels, codes.clone(), versions.clone(), suffixes.clone(), new BitSet());
  }
}
