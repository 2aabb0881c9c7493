package io.sidstream.cli.ui;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.sidstream.client.Token;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Text and history, level by level, over a tree in memory. */
class DecodingTest {
  private static final int DIM = 4;
  private static final int SIZE = 6;
  private final Rng rng = new Rng(5);
  private final TextQuantizer quantizer = new TextQuantizer(1, model());

  private TokenizerModel model() {
    List<Codebook> books =
        List.of(book(Metric.COSINE), book(Metric.COSINE), book(Metric.EUCLIDEAN));
    float[] weights = new float[5 * DIM + DIM];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = rng.nextGaussian();
    }
    return new TokenizerModel(
        new int[] {5, DIM}, weights, new ResidualQuantizer(books), new float[3]);
  }

  private Codebook book(Metric metric) {
    float[] codewords = new float[SIZE * DIM];
    for (int k = 0; k < SIZE; k++) {
      double square = 0;
      for (int d = 0; d < DIM; d++) {
        codewords[k * DIM + d] = rng.nextGaussian();
        square += codewords[k * DIM + d] * codewords[k * DIM + d];
      }
      for (int d = 0; d < DIM && metric == Metric.COSINE; d++) {
        codewords[k * DIM + d] /= (float) Math.sqrt(square);
      }
    }
    return new Codebook(metric, SIZE, DIM, codewords);
  }

  private float[] vector() {
    float[] x = new float[5];
    for (int d = 0; d < 5; d++) {
      x[d] = rng.nextGaussian();
    }
    return x;
  }

  private static TokenTree tree(Map<String, Token> tokens) {
    return new TokenTree() {
      @Override
      public int levels() {
        return tokens.isEmpty() ? 0 : 3;
      }

      @Override
      public int[] children(int... prefix) {
        return items(prefix).stream()
            .mapToInt(
                i ->
                    prefix.length == 3
                        ? tokens.get(i).suffix()
                        : tokens.get(i).codes()[prefix.length])
            .distinct()
            .sorted()
            .toArray();
      }

      @Override
      public List<String> items(int... prefix) {
        return tokens.keySet().stream()
            .filter(i -> Arrays.equals(Arrays.copyOf(tokens.get(i).codes(), prefix.length), prefix))
            .toList();
      }

      @Override
      public Token get(String item) {
        return tokens.get(item);
      }
    };
  }

  /** The least distance, level by level, is what the quantizer chooses, at its distance. */
  @Test
  void stepsAreTheQuantizers() {
    for (int n = 0; n < 50; n++) {
      float[] x = vector();
      EncodeResult whole = quantizer.encode(x);
      for (int l = 0; l < 3; l++) {
        double[] distances = quantizer.distances(x, Arrays.copyOf(whole.codes, l));
        assertThat(TextQuantizer.least(distances)).isEqualTo(whole.codes[l]);
        assertThat(distances[whole.codes[l]])
            .isCloseTo(whole.distances[l], offset(1e-4 * (1 + whole.distances[l])));
      }
    }
  }

  @Test
  void aTakenTokenIsRepairedAsTheJobDoes() {
    float[] x = vector();
    int[] nearest = Arrays.copyOf(quantizer.encode(x).codes, 3);
    Map<String, Token> tokens = new LinkedHashMap<>();
    assertThat(quantizer.free(x, nearest, tree(tokens)))
        .containsExactly(nearest[0], nearest[1], nearest[2], 0);
    double[] distances = quantizer.distances(x, nearest[0], nearest[1]);
    double last = Double.NEGATIVE_INFINITY;
    for (int n = 0; n < SIZE; n++) {
      int[] given = quantizer.free(x, nearest, tree(tokens));
      assertThat(given[3]).isZero();
      assertThat(distances[given[2]]).as("the nearest free one").isGreaterThanOrEqualTo(last);
      last = distances[given[2]];
      tokens.put("item" + n, new Token(Arrays.copyOf(given, 3), 0, 1));
    }
    assertThat(quantizer.free(x, nearest, tree(tokens)))
        .as("the prefix is full")
        .containsExactly(nearest[0], nearest[1], nearest[2], 1);
    tokens.put("with suffix", new Token(nearest, 1, 1));
    assertThat(quantizer.free(x, nearest, tree(tokens))[3]).isEqualTo(2);
  }

  @Test
  void probabilitiesSumToOneWhateverTheScores() {
    double[] p = HistoryDecoder.probabilities(new float[] {1000f, 999f, -1000f}, false);
    assertThat(Arrays.stream(p).sum()).isCloseTo(1, offset(1e-12));
    assertThat(p[0] / p[1]).isCloseTo(Math.E, offset(1e-6));
    p = HistoryDecoder.probabilities(new float[] {.2f, .1f}, true);
    assertThat(p[0]).isCloseTo(2 / 3.0, offset(1e-6));
    assertThat(HistoryDecoder.probabilities(new float[] {0f, 0f}, true)).containsExactly(0, 0);
  }
}
