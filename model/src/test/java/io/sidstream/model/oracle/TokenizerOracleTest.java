package io.sidstream.model.oracle;

import static io.sidstream.model.oracle.Comparison.gaussian;
import static io.sidstream.model.oracle.Comparison.oneOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.StoredFile;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Holds {@link TokenizerModel} and the kernels below it to the oracle. */
class TokenizerOracleTest {
  /**
   * Distances this close, relative to what they are differences of, are decided by single
   * precision.
   */
  private static final double TIE = 2e-5;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void codesDistancesAndMarginsOfRandomShapes(int seed) {
    Rng rng = new Rng(seed);
    TokenizerModel model = random(rng);
    int n = oneOf(rng, 1, 7, 120, 257, 1021);
    float[] x = gaussian(rng, n * model.inputDim(), 1f);
    int agreeing = compare(model, x, n, null);
    assertThat(agreeing).as("rows of %d without a near tie", n).isGreaterThanOrEqualTo(n - n / 50);
  }

  @ParameterizedTest
  @ValueSource(ints = {21, 22, 23, 24})
  void codesThatAreKeptWithinTheTolerance(int seed) {
    Rng rng = new Rng(seed);
    TokenizerModel model = random(rng);
    int n = 257;
    float[] x = gaussian(rng, n * model.inputDim(), 1f);
    int[] previous = new int[n * model.levels()];
    for (int i = 0; i < previous.length; i++) {
      previous[i] = rng.nextInt(model.quantizer().codebook(i % model.levels()).size() + 1) - 1;
    }
    int agreeing = compare(model, x, n, previous);
    assertThat(agreeing).as("rows of %d without a near tie", n).isGreaterThanOrEqualTo(n - n / 50);
    EncodeResult kept = new EncodeResult();
    model.encode(x, n, previous, kept);
    EncodeResult free = new EncodeResult();
    model.encode(x, n, null, free);
    assertThat(kept.codes).as("codes kept").isNotEqualTo(free.codes);
  }

  @Test
  void storedModel() throws IOException {
    TokenizerModel model = TokenizerModel.fromBytes(StoredFile.read("tokenizer-1.sidt"));
    float[] x = gaussian(new Rng(31), 100 * model.inputDim(), 1f);
    assertThat(compare(model, x, 100, null)).isEqualTo(100);
  }

  /**
   * Compares level by level; a row counts until the codes differ, which they may only where they
   * are nearly tied.
   *
   * @return rows whose codes agree at all levels
   */
  private static int compare(TokenizerModel model, float[] x, int n, int[] previous) {
    EncodeResult tuned = new EncodeResult();
    model.encode(x, n, previous, tuned);
    TokenizerOracle oracle = new TokenizerOracle(model);
    EncodeResult plain = new EncodeResult();
    oracle.encode(x, n, previous, plain);
    INDArray f = oracle.encoder().apply(Matrices.matrix(x, 0, n, model.inputDim()));
    int levels = model.levels();
    int[][] used = new int[n][levels];
    for (int i = 0; i < n * levels; i++) {
      used[i / levels][i % levels] = previous == null ? -1 : previous[i];
    }
    QuantizerOracle.Quantized whole = oracle.quantizer().quantize(f, used, model.tolerance());
    double[][] sizes = new double[levels][];
    double[] longest = new double[n];
    for (int l = 0; l < levels; l++) {
      sizes[l] = sizes(model, whole, l, longest);
    }
    int agreeing = 0;
    for (int i = 0; i < n; i++) {
      int l = 0;
      while (l < levels) {
        int at = i * levels + l;
        assertThat(plain.codes[at]).as("the oracle in blocks").isEqualTo(whole.codes()[i][l]);
        Metric metric = model.quantizer().codebook(l).metric();
        INDArray distances = whole.distances().get(l);
        double size = sizes[l][i];
        if (tuned.codes[at] != plain.codes[at]) {
          assertNearlyTied(
              metric, distances, i, tuned.codes[at], used[i][l], model.tolerance()[l], size);
          break;
        }
        assertThat((double) tuned.distances[at])
            .as("distance of row %d at level %d", i, l)
            .isCloseTo(plain.distances[at], within(TIE * size));
        assertThat((double) tuned.margins[at])
            .as("margin of row %d at level %d", i, l)
            .isCloseTo(plain.margins[at], within(TIE * size));
        l++;
      }
      if (l == levels) {
        agreeing++;
        for (int d = 0; d < model.dim(); d++) {
          assertThat((double) tuned.z[i * model.dim() + d])
              .isCloseTo(plain.z[i * model.dim() + d], within(1e-5));
        }
      }
    }
    return agreeing;
  }

  /**
   * What each row's distances of a level are differences of: the residual has the rounding of the
   * longest before it, a cosine of that over its own length, a squared distance of that and the
   * longest codeword.
   */
  private static double[] sizes(
      TokenizerModel model, QuantizerOracle.Quantized whole, int level, double[] longest) {
    double[] norms =
        Transforms.sqrt(QuantizerOracle.squaredNorms(whole.residuals().get(level)))
            .toDoubleVector();
    Codebook book = model.quantizer().codebook(level);
    float[] words = book.codewords();
    double word = 0;
    for (int k = 0; k < book.size(); k++) {
      word = Math.max(word, Kernels.norm(words, k * book.dim(), book.dim()));
    }
    double[] sizes = new double[norms.length];
    for (int i = 0; i < norms.length; i++) {
      longest[i] = Math.max(longest[i], norms[i]);
      sizes[i] =
          book.metric() == Metric.COSINE
              ? longest[i] / norms[i]
              : (longest[i] + word) * (longest[i] + word);
    }
    return sizes;
  }

  private static void assertNearlyTied(
      Metric metric,
      INDArray distances,
      int row,
      int code,
      int kept,
      float tolerance,
      double size) {
    double best = distances.getRow(row).minNumber().doubleValue();
    double other = distances.getDouble(row, code) - best;
    double limit = metric == Metric.COSINE ? tolerance : best * tolerance;
    double ofKept = kept < 0 ? Double.MAX_VALUE : distances.getDouble(row, kept) - best - limit;
    assertThat(Math.min(other, Math.abs(ofKept)))
        .as("row %d: %s is no near tie", row, code)
        .isLessThanOrEqualTo(TIE * size);
  }

  @Test
  void aResidualOfNormZeroAtACosineLevelHasCodeZero() {
    QuantizerOracle oracle = new QuantizerOracle(quantizer(new Rng(1), 3, 5, Metric.COSINE));
    assertThat(oracle.quantize(Nd4j.zeros(DataType.DOUBLE, 2, 3)).codes())
        .isEqualTo(new int[][] {{0}, {0}});
  }

  @Test
  void tiesGoToTheLowestIndex() {
    float[] words = {0, 1, 1, 0, 1, 0};
    QuantizerOracle oracle =
        new QuantizerOracle(
            new ResidualQuantizer(List.of(new Codebook(Metric.COSINE, 3, 2, words))));
    INDArray r = Matrices.matrix(new float[] {2, 0, 0, 3, 1, 1}, 0, 3, 2);
    assertThat(oracle.quantize(r).codes()).isEqualTo(new int[][] {{1}, {0}, {0}});
  }

  @Test
  void namesTheRowThatIsNotFinite() {
    TokenizerModel model = random(new Rng(2));
    float[] x = gaussian(new Rng(3), 300 * model.inputDim(), 1f);
    x[270 * model.inputDim()] = Float.NaN;
    assertThatThrownBy(() -> new TokenizerOracle(model).encode(x, 300, null, new EncodeResult()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Row 270");
  }

  private static TokenizerModel random(Rng rng) {
    int layers = 1 + rng.nextInt(3);
    int[] dims = new int[layers + 1];
    int weights = 0;
    for (int l = 0; l <= layers; l++) {
      dims[l] = oneOf(rng, 2, 7, 33, 64, 129);
      weights += l == 0 ? 0 : (dims[l - 1] + 1) * dims[l];
    }
    int dim = dims[layers];
    List<Codebook> books = new ArrayList<>();
    int levels = 1 + rng.nextInt(4);
    float[] tolerance = new float[levels];
    for (int l = 0; l < levels; l++) {
      Metric metric = rng.nextInt(2) == 0 ? Metric.COSINE : Metric.EUCLIDEAN;
      books.addAll(quantizer(rng, dim, oneOf(rng, 1, 2, 63, 64, 65, 256, 300), metric).codebooks());
      tolerance[l] = rng.nextFloat();
    }
    return new TokenizerModel(
        dims, gaussian(rng, weights, 0.3f), new ResidualQuantizer(books), tolerance);
  }

  private static ResidualQuantizer quantizer(Rng rng, int dim, int size, Metric metric) {
    float[] words = gaussian(rng, size * dim, 1f);
    if (metric == Metric.COSINE) {
      Kernels.normaliseRows(words, 0, size, dim);
    }
    return new ResidualQuantizer(List.of(new Codebook(metric, size, dim, words)));
  }
}
