package io.sidstream.model.quantize;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.NotFiniteException;
import io.sidstream.model.math.RowProduct;
import java.util.Arrays;
import java.util.List;

/**
 * Hybrid residual quantization with codebooks C_1..C_L: r_1 is the input; at a cosine level c_l =
 * argmax_k ⟨r_l/‖r_l‖, C_l[k]⟩, at a Euclidean level c_l = argmin_k ‖r_l − C_l[k]‖²; r_{l+1} = r_l
 * − C_l[c_l] and z = Σ C_l[c_l] (section 3.2 of arXiv 2502.16474). Ties go to the lowest index; a
 * residual of norm 0 at a cosine level has code 0.
 *
 * <p><b>Stability.</b> Given an item's previous codes and a tolerance per level, the item keeps its
 * code at a level while cos_best − cos_kept ≤ tolerance (cosine), or d_kept ≤ d_best · (1 +
 * tolerance) with d the squared distance (Euclidean). The residual then goes on from the kept
 * codeword.
 *
 * <p><b>Batch invariance.</b> The result for a row depends on that row and the codebooks alone (see
 * {@link RowProduct}). Immutable and thread-safe; the result object belongs to the caller's thread.
 */
public final class ResidualQuantizer {
  /** Rows that go through all levels together, so that their scores stay in the cache. */
  private static final int BLOCK = 256;

  /**
   * Codewords this close to the best by matrix product, relative to the norms, are compared again
   * one by one.
   */
  private static final float NEAR_TIE = 4e-6f;

  /** Places of a panel that are still apart when the next code is looked for row by row. */
  private static final int LANES = Codebook.PANEL / 4;

  /** Room behind the rows for the last reads of {@link #fold}. */
  private static final int BEHIND = 3 * LANES;

  private final List<Codebook> codebooks;
  private final int dim;
  private final int mostPanels;

  /**
   * A quantizer of the given levels, first level first.
   *
   * @throws IllegalArgumentException when there is no level or the dimensions differ
   */
  public ResidualQuantizer(List<Codebook> codebooks) {
    this.codebooks = List.copyOf(codebooks);
    if (codebooks.isEmpty()) {
      throw new IllegalArgumentException("A residual quantizer needs at least one codebook");
    }
    this.dim = codebooks.get(0).dim();
    int most = 0;
    for (int l = 0; l < codebooks.size(); l++) {
      if (codebooks.get(l).dim() != dim) {
        throw new IllegalArgumentException(
            "Codebook "
                + l
                + " has dimension "
                + codebooks.get(l).dim()
                + ", the first has "
                + dim);
      }
      most = Math.max(most, codebooks.get(l).products.length);
    }
    this.mostPanels = most;
  }

  /** Number of levels, L. */
  public int levels() {
    return codebooks.size();
  }

  /** Dimension, D. */
  public int dim() {
    return dim;
  }

  /** The codebook of a level, from 0. */
  public Codebook codebook(int level) {
    return codebooks.get(level);
  }

  /** The codebooks, first level first. */
  public List<Codebook> codebooks() {
    return codebooks;
  }

  /** Encodes the rows of r, {@code [n, dim]}, without previous codes. */
  public void encode(float[] r, int n, EncodeResult out) {
    encode(r, n, null, null, out);
  }

  /**
   * Encodes the rows of r.
   *
   * @param r {@code [n, dim]}, not changed
   * @param previous {@code [n, levels]} codes to keep within the tolerance, -1 for none; or null
   * @param tolerance {@code [levels]}; may be null if previous is
   * @throws NotFiniteException naming the first row that has a value that is not finite
   */
  public void encode(float[] r, int n, int[] previous, float[] tolerance, EncodeResult out) {
    out.prepare(n, this);
    encodeRows(r, 0, n, previous, tolerance, out, 0);
  }

  /**
   * As {@link #encode}, for rows {@code firstRow..firstRow+n-1} of a result that was prepared; r
   * starts at rOff.
   */
  public void encodeRows(
      float[] r,
      int rOff,
      int n,
      int[] previous,
      float[] tolerance,
      EncodeResult out,
      int firstRow) {
    if (previous != null && (tolerance == null || tolerance.length != levels())) {
      throw new IllegalArgumentException(
          "Previous codes need a tolerance for each of the " + levels() + " levels");
    }
    for (int at = 0; at < n; at += BLOCK) {
      encodeBlock(
          r, rOff + at * dim, Math.min(BLOCK, n - at), previous, tolerance, out, firstRow + at);
    }
  }

  private void encodeBlock(
      float[] r,
      int rOff,
      int n,
      int[] previous,
      float[] tolerance,
      EncodeResult out,
      int firstRow) {
    float[] residual = out.scratch(0, n * dim);
    float[] columns = out.scratch(1, n * Codebook.PANEL + BEHIND);
    float[] tile = out.scratch(2, RowProduct.scratch(Codebook.PANEL, dim));
    float[] words = out.scratch(6, n * dim);
    float[] z = out.scratch(7, n * dim);
    float[] lanes = out.scratch(8, n * Codebook.PANEL);
    float[][] scores = out.scores(mostPanels, n * Codebook.PANEL);
    System.arraycopy(r, rOff, residual, 0, n * dim);
    Arrays.fill(z, 0, n * dim, 0f);
    int levels = levels();
    for (int l = 0; l < levels; l++) {
      Codebook book = codebooks.get(l);
      score(book, residual, n, scores, tile);
      fold(book, n, scores, columns, lanes);
      for (int i = 0; i < n; i++) {
        int at = (firstRow + i) * levels + l;
        float squaredNorm = Kernels.dot(residual, i * dim, residual, i * dim, dim);
        if (!Float.isFinite(squaredNorm)) {
          throw new NotFiniteException(
              "Row "
                  + (firstRow + i)
                  + " of the batch has a value that is NaN, infinite or too large to square");
        }
        float norm = (float) Math.sqrt(squaredNorm);
        int kept = previous == null ? -1 : previous[at];
        choose(
            book,
            residual,
            i * dim,
            norm,
            scores,
            columns,
            lanes,
            i * Codebook.PANEL,
            kept,
            kept < 0 ? 0f : tolerance[l],
            out,
            at);
        if (l == levels - 1 && out.lastDistances != null) {
          distances(book, norm, scores, i, out.lastDistances, (firstRow + i) * book.size());
        }
        book.copyTo(out.codes[at], words, i * dim);
      }
      Kernels.axpy(-1f, words, 0, residual, 0, n * dim);
      // z is the sum of the codewords, first level first: not input minus residual, which would
      // round differently.
      Kernels.axpy(1f, words, 0, z, 0, n * dim);
    }
    System.arraycopy(z, 0, out.z, firstRow * dim, n * dim);
  }

  /**
   * Scores of all codewords, the larger the nearer: the inner product, less half the codeword's
   * squared norm at a Euclidean level. Each panel of codewords has its array {@code [n, PANEL]}.
   */
  private static void score(Codebook book, float[] r, int n, float[][] scores, float[] tile) {
    for (int p = 0; p < book.products.length; p++) {
      float[] start = book.start[p];
      if (start != null) {
        Kernels.fillRows(start, 0, n, Codebook.PANEL, scores[p], 0);
      }
      book.products[p].apply(r, 0, n, start == null ? 0f : 1f, scores[p], 0, tile);
    }
  }

  /**
   * Narrows the search for the largest score of each row to one of {@value #LANES}: a column is the
   * largest score at its place in all panels, a lane, at the first places of a row, the largest of
   * every {@value #LANES}th column. The other places of lanes hold nothing of use; but these are
   * loops that HotSpot vectorises, over whole arrays without gaps.
   */
  private static void fold(Codebook book, int n, float[][] scores, float[] columns, float[] lanes) {
    int panels = book.products.length;
    int length = n * Codebook.PANEL;
    Kernels.max(scores[0], scores[Math.min(1, panels - 1)], columns, length);
    for (int p = 2; p < panels; p++) {
      Kernels.max(columns, scores[p], columns, length);
    }
    for (int i = 0; i < length; i++) {
      lanes[i] =
          Math.max(
              Math.max(columns[i], columns[i + LANES]),
              Math.max(columns[i + 2 * LANES], columns[i + 3 * LANES]));
    }
  }

  /** Distances to all codewords up to a term constant in the row, from the scores of the row. */
  private static void distances(
      Codebook book, float norm, float[][] scores, int row, float[] to, int off) {
    boolean cosine = book.metric() == Metric.COSINE;
    float factor = !cosine ? -2f : norm > 0f ? -1f / norm : 0f;
    float plus = cosine ? 1f : 0f;
    for (int from = 0; from < book.size(); from += Codebook.PANEL) {
      float[] panel = scores[from / Codebook.PANEL];
      int length = Math.min(Codebook.PANEL, book.size() - from);
      for (int k = 0; k < length; k++) {
        to[off + from + k] = plus + factor * panel[row * Codebook.PANEL + k];
      }
    }
  }

  /**
   * Writes code, distance and margin of one row, whose scores, columns and lanes are those from
   * sOff.
   */
  private static void choose(
      Codebook book,
      float[] r,
      int rOff,
      float norm,
      float[][] scores,
      float[] columns,
      float[] lanes,
      int sOff,
      int kept,
      float tolerance,
      EncodeResult out,
      int at) {
    int size = book.size();
    boolean cosine = book.metric() == Metric.COSINE;
    float slack =
        cosine
            ? NEAR_TIE * norm
            : 0.5f * NEAR_TIE * (norm * norm + book.largestNorm * book.largestNorm);
    // The largest score and the next. Here a branch would be mispredicted several times a row, so
    // they are compared as integers, whose maximum needs none.
    int first = Integer.MIN_VALUE;
    int second = Integer.MIN_VALUE;
    for (int j = 0; j < LANES; j++) {
      int score = ordered(lanes[sOff + j]);
      second = Math.max(second, Math.min(first, score));
      first = Math.max(first, score);
    }
    float max = unordered(first);
    int lane = 0;
    while (lane < LANES - 1 && lanes[sOff + lane] != max) {
      lane++;
    }
    int column = lane;
    while (column + LANES < Codebook.PANEL && columns[sOff + column] != max) {
      column += LANES;
    }
    // The next may have shared the lane of the largest, or its column.
    for (int j = lane; j < Codebook.PANEL; j += LANES) {
      if (j != column) {
        second = Math.max(second, ordered(columns[sOff + j]));
      }
    }
    int best = -1;
    for (int p = 0; p < book.products.length; p++) {
      float score = scores[p][sOff + column];
      if (best < 0 && score == max) {
        best = p * Codebook.PANEL + column;
      } else {
        second = Math.max(second, ordered(score));
      }
    }
    float next = unordered(second);
    float distance;
    float margin;
    if (next < max - slack) {
      distance = cosine && norm > 0f ? 1f - max / norm : distance(book, best, r, rOff, norm);
      margin = cosine ? (max - next) / norm : 2f * (max - next);
    } else {
      distance = Float.POSITIVE_INFINITY;
      float other = Float.POSITIVE_INFINITY;
      for (int k = 0; k < size; k++) {
        if (scores[k / Codebook.PANEL][sOff + k % Codebook.PANEL] >= max - slack) {
          float d = distance(book, k, r, rOff, norm);
          if (d < distance) {
            other = distance;
            distance = d;
            best = k;
          } else {
            other = Math.min(other, d);
          }
        }
      }
      margin = other - distance;
    }
    if (size == 1) {
      // There is no other.
      margin = 0f;
    }
    if (kept >= 0 && kept < size && kept != best) {
      float d = distance(book, kept, r, rOff, norm);
      boolean within = cosine ? d - distance <= tolerance : d <= distance * (1f + tolerance);
      if (within) {
        best = kept;
        margin = distance - d;
        distance = d;
      }
    }
    out.codes[at] = best;
    out.distances[at] = distance;
    out.margins[at] = margin;
  }

  /** The bits of a float as an integer of the same order. */
  private static int ordered(float x) {
    int bits = Float.floatToRawIntBits(x);
    return bits ^ (bits >> 31 & Integer.MAX_VALUE);
  }

  /** The float of {@link #ordered}. */
  private static float unordered(int x) {
    return Float.intBitsToFloat(x ^ (x >> 31 & Integer.MAX_VALUE));
  }

  private static float distance(Codebook book, int k, float[] r, int rOff, float norm) {
    if (book.metric() == Metric.EUCLIDEAN) {
      return Kernels.squaredDistance(r, rOff, book.codewords, k * book.dim(), book.dim());
    }
    return norm > 0f
        ? 1f - Kernels.dot(r, rOff, book.codewords, k * book.dim(), book.dim()) / norm
        : 1f;
  }
}
