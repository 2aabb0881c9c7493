package io.sidstream.lab.tiger;

import io.sidstream.model.recommend.PaddedReference;
import io.sidstream.model.recommend.TransformerStack;
import io.sidstream.model.recommend.TransformerStack.Kind;

/** The generative recommender in plain double loops, one history at a time, without dropout. */
final class GenerativeReference {
  private GenerativeReference() {}

  /** Log-probability of each code of a tuple after a history's codes (one after another). */
  static double[] logProbabilities(GeneratorShape shape, double[] p, int[] history, int[] tuple) {
    int d = shape.dim();
    int depth = shape.depth();
    int[] base = new int[depth + 1];
    for (int l = 0; l < depth; l++) {
      base[l + 1] = base[l] + shape.codes().get(l);
    }
    int all = base[depth];
    double[][] read = new double[history.length][];
    for (int i = 0; i < history.length; i++) {
      read[i] = row(p, base[i % depth] + history[i], d);
    }
    int at = (all + 1) * d;
    double[][] memory = PaddedReference.forward(shape.encoder(), Kind.ENCODER, p, at, read, null);
    at += TransformerStack.size(shape.encoder(), Kind.ENCODER);
    double[][] in = new double[depth][];
    for (int l = 0; l < depth; l++) {
      in[l] = row(p, l == 0 ? all : base[l - 1] + tuple[l - 1], d);
    }
    double[][] h = PaddedReference.forward(shape.decoder(), Kind.DECODER, p, at, in, memory);
    at += TransformerStack.size(shape.decoder(), Kind.DECODER);
    double[] out = new double[depth];
    for (int l = 0; l < depth; l++) {
      double sum = 0;
      for (int c = base[l]; c < base[l + 1]; c++) {
        double logit = p[at + all * d + c];
        for (int i = 0; i < d; i++) {
          logit += p[at + c * d + i] * h[l][i];
        }
        sum += Math.exp(logit);
        out[l] = c - base[l] == tuple[l] ? logit : out[l];
      }
      out[l] -= Math.log(sum);
    }
    return out;
  }

  private static double[] row(double[] p, int token, int d) {
    double[] row = new double[d];
    System.arraycopy(p, token * d, row, 0, d);
    return row;
  }

  static double[] doubles(float[] a) {
    double[] b = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      b[i] = a[i];
    }
    return b;
  }
}
