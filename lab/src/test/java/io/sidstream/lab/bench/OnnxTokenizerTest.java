package io.sidstream.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The graph that the benchmark measures has the codes of the tokenizer. */
class OnnxTokenizerTest {
  private static final int SHAPES = 40;

  /** Distances this close, relative to the larger, are a near tie. */
  private static final double NEAR_TIE = 1e-5;

  @Test
  void codesAreThoseOfTheTokenizerButForNearTies() throws OrtException {
    int rows = 0;
    int different = 0;
    for (int shape = 0; shape < SHAPES; shape++) {
      Rng rng = new Rng(shape);
      TokenizerModel model = model(rng, 2 + shape % 3);
      int n = List.of(1, 7, 300).get(rng.nextInt(3));
      float[] x = gaussian(n * model.inputDim(), 1f, rng);
      EncodeResult own = new EncodeResult();
      model.encode(x, n, null, own);
      int[] codes = codes(model, x, n);
      assertThat(codes).hasSize(n * model.levels());
      float[] residuals = new float[n * model.dim()];
      model.encoderOutput(x, n, residuals, 0, new EncodeResult());
      rows += n;
      for (int i = 0; i < n; i++) {
        float[] r = Arrays.copyOfRange(residuals, i * model.dim(), (i + 1) * model.dim());
        different +=
            holds(model, r, own.codes, codes, i * model.levels(), "shape " + shape + ", row " + i)
                ? 0
                : 1;
      }
    }
    assertThat(rows).isGreaterThan(1000);
    assertThat((double) different / rows).isLessThan(.01);
  }

  /** Whether a row's codes are equal; where they first differ, it is by a near tie. */
  private static boolean holds(
      TokenizerModel model, float[] r, int[] own, int[] codes, int at, String row) {
    for (int l = 0; l < model.levels(); l++) {
      Codebook book = model.quantizer().codebook(l);
      if (own[at + l] != codes[at + l]) {
        double ours = distance(book, own[at + l], r);
        double theirs = distance(book, codes[at + l], r);
        assertThat(Math.abs(ours - theirs))
            .as("%s, level %d: codes %d and %d", row, l, own[at + l], codes[at + l])
            .isLessThan(NEAR_TIE * Math.max(ours, theirs));
        return false;
      }
      book.addTo(own[at + l], -1f, r, 0);
    }
    return true;
  }

  private static double distance(Codebook book, int k, float[] r) {
    float[] codewords = book.codewords();
    double dot = 0;
    double norm = 0;
    double squared = 0;
    for (int d = 0; d < r.length; d++) {
      double c = codewords[k * r.length + d];
      dot += r[d] * c;
      norm += (double) r[d] * r[d];
      squared += (r[d] - c) * (r[d] - c);
    }
    return book.metric() == Metric.COSINE ? 1 - dot / Math.sqrt(norm) : squared;
  }

  /** Whole numbers, so that no sum is rounded and equal codewords score the same. */
  @Test
  void tiesGoToTheLowestIndexAndAResidualOfNormZeroHasCodeZero() throws OrtException {
    int size = 70;
    float[] axes = new float[size * 2];
    float[] points = new float[size * 2];
    for (int k = 0; k < size; k++) {
      axes[2 * k + (k + 1) % 2] = 1f;
      points[2 * k] = 3 - k % 4;
    }
    ResidualQuantizer quantizer =
        new ResidualQuantizer(
            List.of(
                new Codebook(Metric.COSINE, size, 2, axes),
                new Codebook(Metric.EUCLIDEAN, size, 2, points)));
    TokenizerModel model =
        new TokenizerModel(
            new int[] {2, 2}, new float[] {1, 0, 0, 1, 0, 0}, quantizer, new float[2]);
    // Less their codewords: (0, -1), (2, 0), (1, 4), (2, 1), (0, 0).
    float[] x = {0, 0, 3, 0, 1, 5, 2, 2, 1, 0};
    EncodeResult own = new EncodeResult();
    model.encode(x, 5, null, own);
    int[] codes = codes(model, x, 5);
    assertThat(codes).containsExactly(Arrays.copyOf(own.codes, codes.length));
    assertThat(codes).containsExactly(0, 3, 1, 1, 0, 2, 0, 1, 1, 3);
  }

  /** A model of another shape for each generator: metrics by chance, sizes that fill no panel. */
  private static TokenizerModel model(Rng rng, int levels) {
    int inputDim = 1 + rng.nextInt(60);
    int dim = 2 + rng.nextInt(40);
    int[] dims =
        rng.nextInt(2) == 0
            ? new int[] {inputDim, dim}
            : new int[] {inputDim, 1 + rng.nextInt(70), dim};
    int weights = 0;
    for (int l = 0; l + 1 < dims.length; l++) {
      weights += (dims[l] + 1) * dims[l + 1];
    }
    List<Codebook> books = new ArrayList<>();
    for (int l = 0; l < levels; l++) {
      Metric metric = Metric.values()[rng.nextInt(Metric.values().length)];
      int size = 1 + rng.nextInt(300);
      float[] codewords = gaussian(size * dim, .5f, rng);
      if (metric == Metric.COSINE) {
        normalise(codewords, dim);
      }
      books.add(new Codebook(metric, size, dim, codewords));
    }
    return new TokenizerModel(
        dims, gaussian(weights, .3f, rng), new ResidualQuantizer(books), new float[levels]);
  }

  private static void normalise(float[] rows, int dim) {
    for (int from = 0; from < rows.length; from += dim) {
      double squaredNorm = 0;
      for (int d = from; d < from + dim; d++) {
        squaredNorm += rows[d] * rows[d];
      }
      for (int d = from; d < from + dim; d++) {
        rows[d] = (float) (rows[d] / Math.sqrt(squaredNorm));
      }
    }
  }

  private static float[] gaussian(int n, float scale, Rng rng) {
    float[] out = new float[n];
    for (int i = 0; i < n; i++) {
      out[i] = scale * rng.nextGaussian();
    }
    return out;
  }

  private static int[] codes(TokenizerModel model, float[] x, int n) throws OrtException {
    try (OnnxSession session = new OnnxSession(OnnxTokenizer.tokenizer(model));
        OnnxTensor batch = OnnxSession.batch(x, n, model.inputDim())) {
      return session.codes(batch);
    }
  }
}
