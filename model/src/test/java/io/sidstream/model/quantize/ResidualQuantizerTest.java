package io.sidstream.model.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

public class ResidualQuantizerTest {
  @Property(tries = 40)
  void equalsTheDefinitionInDoublePrecision(
      @ForAll @IntRange(min = 1, max = 40) int n,
      @ForAll @IntRange(min = 1, max = 33) int dim,
      @ForAll @IntRange(min = 1, max = 300) int size,
      @ForAll @IntRange(min = 0, max = 7) int metrics,
      @ForAll long seed) {
    Rng rng = new Rng(seed);
    ResidualQuantizer quantizer = random(rng, dim, size, metrics);
    float[] r = gaussian(rng, n * dim);
    EncodeResult out = new EncodeResult(true);
    quantizer.encode(r, n, out);
    for (int i = 0; i < n; i++) {
      double[] residual = new double[dim];
      for (int d = 0; d < dim; d++) {
        residual[d] = r[i * dim + d];
      }
      for (int l = 0; l < 3; l++) {
        Codebook book = quantizer.codebook(l);
        double best = Double.POSITIVE_INFINITY;
        double second = Double.POSITIVE_INFINITY;
        double chosen = 0;
        for (int k = 0; k < size; k++) {
          double distance = distance(book, k, residual);
          if (k == out.codes[i * 3 + l]) {
            chosen = distance;
          }
          if (distance < best) {
            second = best;
            best = distance;
          } else if (distance < second) {
            second = distance;
          }
        }
        double scale = 1e-4 * (1 + Math.abs(chosen));
        assertThat(chosen).as("row %d level %d", i, l).isCloseTo(best, within(scale));
        assertThat((double) out.distances[i * 3 + l]).isCloseTo(chosen, within(scale));
        assertThat((double) out.margins[i * 3 + l])
            .isCloseTo(size == 1 ? 0 : second - best, within(scale))
            .isNotNegative();
        if (l == 2) {
          assertLastDistances(out, i, book, residual, chosen);
        }
        for (int d = 0; d < dim; d++) {
          residual[d] -= book.codewords[out.codes[i * 3 + l] * dim + d];
        }
      }
      for (int d = 0; d < dim; d++) {
        assertThat((double) out.z[i * dim + d])
            .isCloseTo(r[i * dim + d] - residual[d], within(1e-4));
      }
    }
  }

  /**
   * By matrix product, so near ties may stand the other way round than in the choice, which is made
   * by distances one by one.
   */
  private static void assertLastDistances(
      EncodeResult out, int row, Codebook book, double[] residual, double chosenDistance) {
    float[] last = out.lastDistances(row);
    int chosen = out.codes[row * 3 + 2];
    for (int k = 0; k < last.length; k++) {
      double distance = distance(book, k, residual);
      assertThat((double) last[k] - last[chosen])
          .as("row %d codeword %d", row, k)
          .isCloseTo(distance - chosenDistance, within(1e-4 * (1 + Math.abs(distance))));
    }
  }

  @Property(tries = 30)
  void aRowDoesNotDependOnItsBatch(
      @ForAll @IntRange(min = 1, max = 600) int n,
      @ForAll @IntRange(min = 1, max = 600) int from,
      @ForAll long seed) {
    Rng rng = new Rng(seed);
    ResidualQuantizer quantizer = random(rng, 16, 150, 4);
    float[] r = gaussian(rng, n * 16);
    EncodeResult whole = new EncodeResult();
    quantizer.encode(r, n, whole);
    int start = from % n;
    EncodeResult part = new EncodeResult();
    quantizer.encode(Arrays.copyOfRange(r, start * 16, n * 16), n - start, part);
    assertThat(Arrays.equals(part.codes, 0, (n - start) * 3, whole.codes, start * 3, n * 3))
        .isTrue();
    assertThat(Arrays.equals(part.z, 0, (n - start) * 16, whole.z, start * 16, n * 16)).isTrue();
    assertThat(Arrays.equals(part.distances, 0, (n - start) * 3, whole.distances, start * 3, n * 3))
        .isTrue();
    assertThat(Arrays.equals(part.margins, 0, (n - start) * 3, whole.margins, start * 3, n * 3))
        .isTrue();
  }

  @Property(tries = 50)
  void ofEqualCodewordsTheFirstIsChosenWhereverTheyAre(
      @ForAll @IntRange(min = 2, max = 300) int size, @ForAll Metric metric, @ForAll long seed) {
    int dim = 8;
    Rng rng = new Rng(seed);
    float[] words = gaussian(rng, size * dim);
    Kernels.normaliseRows(words, 0, size, dim);
    int[] copies = {rng.nextInt(size), rng.nextInt(size), rng.nextInt(size)};
    Arrays.sort(copies);
    for (int copy : copies) {
      System.arraycopy(words, copies[0] * dim, words, copy * dim, dim);
    }
    ResidualQuantizer quantizer =
        new ResidualQuantizer(List.of(new Codebook(metric, size, dim, words)));
    EncodeResult out = new EncodeResult();
    quantizer.encode(words, size, out);
    for (int k = 0; k < size; k++) {
      int place = k;
      boolean copied = Arrays.stream(copies).anyMatch(copy -> copy == place);
      assertThat(out.codes[k]).isEqualTo(copied ? copies[0] : k);
      if (copied && copies[2] > copies[0]) {
        assertThat(out.margins[k]).isZero();
      } else {
        assertThat(out.margins[k]).isPositive();
      }
    }
  }

  @Test
  void tiesGoToTheLowestIndexAndZeroToCodeZero() {
    float[] words = {0, 1, 1, 0, 1, 0, 0, 1};
    for (Metric metric : Metric.values()) {
      ResidualQuantizer quantizer =
          new ResidualQuantizer(List.of(new Codebook(metric, 4, 2, words)));
      EncodeResult out = new EncodeResult(true);
      quantizer.encode(new float[] {2, 0, 0, 3, 0, 0, 1, 1}, 4, out);
      assertThat(Arrays.copyOf(out.codes, 4)).as("%s", metric).containsExactly(1, 0, 0, 0);
      assertThat(out.margins[0]).isZero();
      float[] distances = out.lastDistances(0);
      assertThat(distances[2]).isEqualTo(distances[1]).isLessThan(distances[0]);
      assertThat(distances[3]).isEqualTo(distances[0]);
    }
  }

  @Test
  void keepsAPreviousCodeWithinItsToleranceOnly() {
    // Cosines of (1, 0): 1 with itself, 0.8 with (0.8, 0.6).
    float[] unit = {1, 0, 0.8f, 0.6f};
    ResidualQuantizer cosine =
        new ResidualQuantizer(List.of(new Codebook(Metric.COSINE, 2, 2, unit)));
    float[] r = {1, 0};
    EncodeResult out = new EncodeResult(true);
    cosine.encode(r, 1, new int[] {1}, new float[] {0.21f}, out);
    assertThat(out.codes[0]).isEqualTo(1);
    assertThat(out.margins[0]).isCloseTo(-0.2f, within(1e-6f));
    assertThat(out.lastDistances(0)[0]).isLessThan(out.lastDistances(0)[1]);
    cosine.encode(r, 1, new int[] {1}, new float[] {0.19f}, out);
    assertThat(out.codes[0]).isZero();
    cosine.encode(r, 1, new int[] {-1}, new float[] {9f}, out);
    assertThat(out.codes[0]).isZero();
    cosine.encode(r, 1, new int[] {77}, new float[] {9f}, out);
    assertThat(out.codes[0]).as("a code of a larger codebook is not kept").isZero();

    ResidualQuantizer euclidean =
        new ResidualQuantizer(
            List.of(new Codebook(Metric.EUCLIDEAN, 2, 2, new float[] {0, 0, 2.2f, 0})));
    euclidean.encode(r, 1, new int[] {1}, new float[] {0.45f}, out);
    assertThat(out.codes[0]).as("1.44 <= 1 * 1.45").isEqualTo(1);
    euclidean.encode(r, 1, new int[] {1}, new float[] {0.43f}, out);
    assertThat(out.codes[0]).isZero();
  }

  @Test
  void namesTheRowThatIsNotFinite() {
    ResidualQuantizer quantizer = random(new Rng(1), 4, 5, 4);
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 1e30f}) {
      float[] r = gaussian(new Rng(2), 300 * 4);
      r[271 * 4 + 3] = bad;
      assertThatThrownBy(() -> quantizer.encode(r, 300, new EncodeResult()))
          .hasMessageContaining("Row 271");
    }
  }

  @Test
  void anEmptyBatchIsEmpty() {
    EncodeResult out = new EncodeResult(true);
    random(new Rng(1), 4, 5, 4).encode(new float[0], 0, out);
    assertThat(out.n).isZero();
    assertThatThrownBy(() -> out.lastDistances(0)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void refusesCodebooksThatMakeNoSense() {
    assertThatThrownBy(() -> new Codebook(Metric.COSINE, 1, 2, new float[] {1, 1}))
        .hasMessageContaining("squared norm 2.0");
    assertThatThrownBy(() -> new Codebook(Metric.EUCLIDEAN, 2, 2, new float[3]))
        .hasMessageContaining("needs 4 values, not 3");
    assertThatThrownBy(() -> new Codebook(Metric.EUCLIDEAN, 0, 2, new float[0]))
        .hasMessageContaining("size is 0");
    assertThatThrownBy(() -> new ResidualQuantizer(List.of())).hasMessageContaining("at least one");
  }

  private static double distance(Codebook book, int k, double[] r) {
    double dot = 0;
    double squares = 0;
    double distance = 0;
    for (int d = 0; d < r.length; d++) {
      double w = book.codewords[k * r.length + d];
      dot += w * r[d];
      squares += r[d] * r[d];
      distance += (w - r[d]) * (w - r[d]);
    }
    return book.metric() == Metric.COSINE ? 1 - dot / Math.sqrt(squares) : distance;
  }

  /** Three levels; bit l of metrics makes level l Euclidean. */
  private static ResidualQuantizer random(Rng rng, int dim, int size, int metrics) {
    Codebook[] books = new Codebook[3];
    for (int l = 0; l < 3; l++) {
      float[] words = gaussian(rng, size * dim);
      Metric metric = (metrics >> l & 1) == 0 ? Metric.COSINE : Metric.EUCLIDEAN;
      if (metric == Metric.COSINE) {
        Kernels.normaliseRows(words, 0, size, dim);
      }
      books[l] = new Codebook(metric, size, dim, words);
    }
    return new ResidualQuantizer(List.of(books));
  }

  static float[] gaussian(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
