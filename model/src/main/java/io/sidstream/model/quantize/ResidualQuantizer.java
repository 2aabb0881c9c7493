package io.sidstream.model.quantize;

import io.sidstream.model.math.Kernels;
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

  private final List<Codebook> codebooks;
  private final int dim;
  private final int largestSize;

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
    int largest = 0;
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
      largest = Math.max(largest, codebooks.get(l).size());
    }
    this.largestSize = largest;
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
   * @throws IllegalArgumentException naming the first row that has a value that is not finite
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
    float[] scores = out.scratch(1, n * largestSize);
    float[] tile = out.scratch(2, RowProduct.scratch(largestSize, dim));
    float[] words = out.scratch(6, n * dim);
    float[] z = out.scratch(7, n * dim);
    System.arraycopy(r, rOff, residual, 0, n * dim);
    Arrays.fill(z, 0, n * dim, 0f);
    int levels = levels();
    for (int l = 0; l < levels; l++) {
      Codebook book = codebooks.get(l);
      int size = book.size();
      Kernels.fillRows(book.start, 0, n, size, scores, 0);
      book.products.apply(residual, 0, n, 1f, scores, 0, tile);
      for (int i = 0; i < n; i++) {
        int at = (firstRow + i) * levels + l;
        float squaredNorm = Kernels.dot(residual, i * dim, residual, i * dim, dim);
        if (!Float.isFinite(squaredNorm)) {
          throw new IllegalArgumentException(
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
            i * size,
            kept,
            kept < 0 ? 0f : tolerance[l],
            out,
            at);
        if (l == levels - 1 && out.lastDistances != null) {
          distances(book, norm, scores, i * size, out.lastDistances, (firstRow + i) * size);
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

  /** Distances to all codewords up to a term constant in the row, from the scores of the row. */
  private static void distances(
      Codebook book, float norm, float[] scores, int sOff, float[] to, int off) {
    boolean cosine = book.metric() == Metric.COSINE;
    float factor = !cosine ? -2f : norm > 0f ? -1f / norm : 0f;
    float plus = cosine ? 1f : 0f;
    for (int k = 0; k < book.size(); k++) {
      to[off + k] = plus + factor * scores[sOff + k];
    }
  }

  /**
   * Writes code, distance and margin of one row.
   *
   * @param scores of all codewords from sOff, the larger the nearer: the inner product, less half
   *     the codeword's squared norm at a Euclidean level
   */
  private static void choose(
      Codebook book,
      float[] r,
      int rOff,
      float norm,
      float[] scores,
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
    // The nearest and the next, in one pass: of equal ones the first. Branches that are hardly ever
    // taken are far cheaper here than Math.max, whose results wait for one another.
    int best = -1;
    int second = -1;
    float max = Float.NEGATIVE_INFINITY;
    float next = Float.NEGATIVE_INFINITY;
    for (int k = 0; k < size; k++) {
      float score = scores[sOff + k];
      if (score > next) {
        if (score > max) {
          next = max;
          second = best;
          max = score;
          best = k;
        } else {
          next = score;
          second = k;
        }
      }
    }
    float bestDistance;
    if (best >= 0 && next < max - slack) {
      bestDistance = distance(book, best, r, rOff, norm);
    } else {
      int nearest = best;
      bestDistance = Float.POSITIVE_INFINITY;
      for (int k = 0; k < size; k++) {
        if (scores[sOff + k] >= max - slack) {
          float distance = distance(book, k, r, rOff, norm);
          if (distance < bestDistance) {
            bestDistance = distance;
            best = k;
          }
        }
      }
      if (best != nearest) {
        // The one that led by matrix product is the nearest of the others.
        second = nearest;
      }
    }
    int chosen = best;
    float chosenDistance = bestDistance;
    if (kept >= 0 && kept < size && kept != best) {
      float distance = distance(book, kept, r, rOff, norm);
      boolean within =
          cosine
              ? distance - bestDistance <= tolerance
              : distance <= bestDistance * (1f + tolerance);
      if (within) {
        chosen = kept;
        chosenDistance = distance;
      }
    }
    float other = bestDistance;
    if (chosen == best) {
      // With one codeword there is no other: the margin is 0.
      other =
          second < 0 ? bestDistance : Math.max(bestDistance, distance(book, second, r, rOff, norm));
    }
    out.codes[at] = chosen;
    out.distances[at] = chosenDistance;
    out.margins[at] = other - chosenDistance;
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
