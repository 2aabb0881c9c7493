package io.sidstream.cli.ui;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import java.util.Arrays;

/**
 * What a token version's tokenizer makes of one content vector, level by level:
 *
 * <pre>
 * r_1 = f(x),  r_{l+1} = r_l − C_l[c_l];  distance of k at level l:
 *   1 − ⟨r_l/‖r_l‖, C_l[k]⟩ (cosine),  ‖r_l − C_l[k]‖² (Euclidean)
 * </pre>
 *
 * @param version token version
 * @param model its tokenizer
 */
record TextQuantizer(int version, TokenizerModel model) {
  /**
   * The codes as the quantizer chooses them.
   *
   * @param x {@code [D_x]}
   */
  EncodeResult encode(float[] x) {
    EncodeResult result = new EncodeResult();
    model.encode(x, 1, null, result);
    return result;
  }

  /**
   * Distances of all codewords of the level behind a prefix, {@code [K]}.
   *
   * @param x {@code [D_x]}
   * @param prefix codes of the levels before, which need not be the nearest
   */
  double[] distances(float[] x, int... prefix) {
    float[] r = new float[model.dim()];
    model.encoderOutput(x, 1, r, 0, new EncodeResult());
    for (int l = 0; l < prefix.length; l++) {
      model.quantizer().codebook(l).addTo(prefix[l], -1f, r, 0);
    }
    Codebook book = model.quantizer().codebook(prefix.length);
    float[] codewords = book.codewords();
    double norm = 0;
    for (float v : r) {
      norm += (double) v * v;
    }
    double[] distances = new double[book.size()];
    for (int k = 0; k < distances.length; k++) {
      double dot = 0;
      double square = 0;
      for (int d = 0; d < r.length; d++) {
        double c = codewords[k * r.length + d];
        dot += r[d] * c;
        square += (r[d] - c) * (r[d] - c);
      }
      distances[k] =
          book.metric() == Metric.EUCLIDEAN ? square : norm == 0 ? 1 : 1 - dot / Math.sqrt(norm);
    }
    return distances;
  }

  /** Index of the least; of the same the lowest. */
  static int least(double[] values) {
    int best = 0;
    for (int k = 1; k < values.length; k++) {
      if (values[k] < values[best]) {
        best = k;
      }
    }
    return best;
  }

  /**
   * The token that a new item would be given where nothing rests and no other comes first: the
   * quantizer's codes, else the nearest free last code of their prefix, else a suffix.
   *
   * @param nearest {@code [levels]} as the quantizer chooses them
   * @return {@code [levels + 1]} codes and suffix
   */
  int[] free(float[] x, int[] nearest, TokenTree tree) {
    int last = nearest.length - 1;
    int[] prefix = Arrays.copyOf(nearest, last);
    int[] token = Arrays.copyOf(nearest, nearest.length + 1);
    boolean[] taken = new boolean[model.quantizer().codebook(last).size()];
    for (int code : tree.levels() == 0 ? new int[0] : tree.children(prefix)) {
      if (code < taken.length) {
        taken[code] = true;
      }
    }
    if (!taken[nearest[last]]) {
      return token;
    }
    double[] distances = distances(x, prefix);
    for (int k = 0; k < taken.length; k++) {
      distances[k] = taken[k] ? Double.POSITIVE_INFINITY : distances[k];
    }
    int best = least(distances);
    if (!taken[best]) {
      token[last] = best;
      return token;
    }
    int[] suffixes = tree.children(nearest);
    int suffix = 1;
    for (int used : suffixes) {
      suffix = used == suffix ? suffix + 1 : suffix;
    }
    token[last + 1] = suffix;
    return token;
  }
}
