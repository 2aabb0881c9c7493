package io.sidstream.model.learn;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.train.ItemTable;
import java.util.Arrays;
import java.util.SortedMap;

/**
 * Brings the codes of rows up to date, by the tokenizers of the versions that they missed, in their
 * order: a row then has the codes that the job publishes of it. A row without codes begins with the
 * nearest ones of the version in use when it came; then, as in the job, codes stay within the
 * tolerance of each version.
 */
public final class Adoption {
  private static final int CHUNK = 1024;

  private final WorkingSet set;
  private final SortedMap<Integer, TokenizerModel> tokenizers;
  private final int inUse;
  private final EncodeResult encoded = new EncodeResult();
  private final int[] rows = new int[CHUNK];
  private float[] x = {};
  private int[] previous = {};

  /**
   * An adoption.
   *
   * @param tokenizers every version that a row may have missed, up to the one in use
   * @param inUse version in use, 0 for none
   */
  public Adoption(WorkingSet set, SortedMap<Integer, TokenizerModel> tokenizers, int inUse) {
    this.set = set;
    this.tokenizers = tokenizers;
    this.inUse = inUse;
  }

  /** All rows of the set; what changes is marked dirty. */
  public void run() {
    if (inUse == 0) {
      return;
    }
    ItemTable items = set.items();
    int oldest = inUse;
    for (int i = 0; i < set.size(); i++) {
      if (stale(i)) {
        oldest = Math.min(oldest, first(i));
      }
    }
    for (int version = Math.max(1, oldest); version <= inUse; version++) {
      int n = 0;
      for (int i = 0; i < set.size(); i++) {
        if (stale(i) && first(i) <= version) {
          rows[n++] = i;
        }
        if (n == CHUNK || n > 0 && i + 1 == set.size()) {
          encode(rows, n, version);
          n = 0;
        }
      }
    }
    Codebook[] books = new Codebook[tokenizer(inUse).levels()];
    Arrays.setAll(books, l -> tokenizer(inUse).quantizer().codebook(l));
    int d = tokenizer(inUse).dim();
    float[] semantic = items.semantic();
    for (int i = 0; i < set.size(); i++) {
      Arrays.fill(semantic, i * d, (i + 1) * d, 0f);
      for (int l = 0; l < books.length; l++) {
        books[l].addTo(items.codes()[i * books.length + l], 1f, semantic, i * d);
      }
    }
  }

  private boolean stale(int row) {
    return !set.items().encoded(row) || set.version(row) < inUse;
  }

  /** The version whose tokenizer a stale row needs next. */
  private int first(int row) {
    int version = set.version(row);
    return set.items().encoded(row) ? version + 1 : Math.max(1, version);
  }

  private TokenizerModel tokenizer(int version) {
    TokenizerModel tokenizer = tokenizers.get(version);
    if (tokenizer == null) {
      throw new IllegalStateException(
          "the tokenizer of version "
              + version
              + " is gone, but an item has not adopted it; there are versions "
              + tokenizers.keySet());
    }
    return tokenizer;
  }

  private void encode(int[] of, int n, int version) {
    TokenizerModel tokenizer = tokenizer(version);
    int d = tokenizer.inputDim();
    int levels = tokenizer.levels();
    if (x.length < n * d) {
      x = new float[n * d];
      previous = new int[CHUNK * levels];
    }
    int[] codes = set.items().codes();
    for (int i = 0; i < n; i++) {
      set.content(of[i], x, i * d);
      System.arraycopy(codes, of[i] * levels, previous, i * levels, levels);
    }
    tokenizer.encode(x, n, previous, encoded);
    for (int i = 0; i < n; i++) {
      System.arraycopy(encoded.codes, i * levels, codes, of[i] * levels, levels);
      set.setVersion(of[i], version);
      set.items().markDirty(of[i]);
    }
  }
}
