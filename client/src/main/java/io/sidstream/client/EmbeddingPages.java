package io.sidstream.client;

import java.util.Arrays;
import java.util.BitSet;

/** ID embeddings by row, in pages as those of {@link TokenPages}. */
final class EmbeddingPages {
  private static final int BITS = 10;
  private static final int PAGE = 1 << BITS;

  private int dim;

  /** {@code [page][PAGE * dim]}, NaN first for none; null for a page without. */
  private float[][] pages;

  private BitSet own;

  EmbeddingPages() {
    this(0, new float[0][], new BitSet());
  }

  private EmbeddingPages(int dim, float[][] pages, BitSet own) {
    this.dim = dim;
    this.pages = pages;
    this.own = own;
  }

  /** 0 before the first. */
  int dim() {
    return dim;
  }

  /**
   * Copies the embedding of a row.
   *
   * @return whether there is one
   */
  boolean get(int row, float[] to, int at) {
    int page = row >>> BITS;
    int from = (row & PAGE - 1) * dim;
    if (page >= pages.length || pages[page] == null || Float.isNaN(pages[page][from])) {
      return false;
    }
    System.arraycopy(pages[page], from, to, at, dim);
    return true;
  }

  /** Sets or, with null, removes. */
  void set(int row, float[] e) {
    int page = row >>> BITS;
    if (e == null && (page >= pages.length || pages[page] == null)) {
      return;
    }
    if (dim == 0) {
      dim = e.length;
    }
    if (page >= pages.length) {
      pages = Arrays.copyOf(pages, page + 1);
    }
    if (pages[page] == null) {
      pages[page] = new float[PAGE * dim];
      Arrays.fill(pages[page], Float.NaN);
      own.set(page);
    } else if (!own.get(page)) {
      pages[page] = pages[page].clone();
      own.set(page);
    }
    int to = (row & PAGE - 1) * dim;
    if (e == null) {
      pages[page][to] = Float.NaN;
    } else {
      System.arraycopy(e, 0, pages[page], to, dim);
    }
  }

  /** An immutable copy as of now. */
  EmbeddingPages freeze() {
    own.clear();
    return new EmbeddingPages(dim, pages.clone(), null);
  }
}
