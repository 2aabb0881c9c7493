package io.sidstream.model.recommend;

/**
 * The recommender in plain double loops, padded and right-aligned as the original is, one sequence
 * at a time; evaluation mode. Written from the equations, apart from the code it checks.
 */
public final class PaddedReference {
  private PaddedReference() {}

  /** h of the n real positions of one sequence x [n][d]. */
  public static double[][] forward(RecommenderShape shape, double[] p, double[][] x) {
    return forward(shape, TransformerStack.Kind.CAUSAL, p, 0, x, null);
  }

  /** The same for any kind of stack, whose weights begin at start; memory [m][d] of a decoder. */
  public static double[][] forward(
      RecommenderShape shape,
      TransformerStack.Kind kind,
      double[] p,
      int start,
      double[][] x,
      double[][] memory) {
    boolean decoder = kind == TransformerStack.Kind.DECODER;
    boolean causal = kind != TransformerStack.Kind.ENCODER;
    int d = shape.dim();
    int len = shape.maxLen();
    int first = decoder ? 0 : len - x.length;
    int last = first + x.length;
    double[][] in = new double[len][d];
    for (int t = 0; t < len; t++) {
      for (int i = 0; i < d; i++) {
        in[t][i] = p[start + t * d + i] + (t >= first && t < last ? x[t - first][i] : 0);
      }
    }
    int at = start + len * d;
    in = norm(in, p, at, at + d);
    at += 2 * d;
    for (int b = 0; b < shape.blocks(); b++) {
      int f = shape.ffn();
      double[][] qkv = linear(in, p, at, d, 3 * d);
      at += 3 * d * d + 3 * d;
      double[][] ctx = new double[len][d];
      for (int i = first; i < last; i++) {
        attend(shape, qkv[i], qkv, d, first, causal ? i + 1 : last, ctx[i]);
      }
      double[][] o = linear(ctx, p, at, d, d);
      at += d * d + d;
      double[][] y = norm(add(o, in), p, at, at + d);
      at += 2 * d;
      if (decoder) {
        double[][] q = linear(y, p, at, d, d);
        at += d * d + d;
        double[][] kv = linear(memory, p, at, d, 2 * d);
        at += 2 * d * d + 2 * d;
        ctx = new double[len][d];
        for (int i = first; i < last; i++) {
          attend(shape, q[i], kv, 0, 0, memory.length, ctx[i]);
        }
        o = linear(ctx, p, at, d, d);
        at += d * d + d;
        y = norm(add(o, y), p, at, at + d);
        at += 2 * d;
      }
      double[][] u = linear(y, p, at, d, f);
      at += d * f + f;
      for (double[] row : u) {
        for (int i = 0; i < f; i++) {
          row[i] = row[i] * phi(row[i]);
        }
      }
      double[][] z = linear(u, p, at, f, d);
      at += f * d + d;
      in = norm(add(z, y), p, at, at + d);
      at += 2 * d;
    }
    return java.util.Arrays.copyOfRange(in, first, last);
  }

  /**
   * out = attention of query q over rows from..to-1 of kv, whose keys are at keyAt, values d on.
   */
  private static void attend(
      RecommenderShape shape,
      double[] q,
      double[][] kv,
      int keyAt,
      int from,
      int to,
      double[] out) {
    int d = shape.dim();
    int hd = d / shape.heads();
    for (int h = 0; h < shape.heads(); h++) {
      double[] w = new double[to];
      double sum = 0;
      for (int j = from; j < to; j++) {
        for (int k = 0; k < hd; k++) {
          w[j] += q[h * hd + k] * kv[j][keyAt + h * hd + k];
        }
        w[j] = Math.exp(w[j] / Math.sqrt(hd));
        sum += w[j];
      }
      for (int j = from; j < to; j++) {
        for (int k = 0; k < hd; k++) {
          out[h * hd + k] += w[j] / sum * kv[j][keyAt + d + h * hd + k];
        }
      }
    }
  }

  /** The standard normal distribution function by its series. */
  static double phi(double x) {
    double sum = x;
    double term = x;
    for (int k = 1; k < 200; k++) {
      term *= x * x / (2 * k + 1);
      sum += term;
    }
    return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }

  private static double[][] add(double[][] a, double[][] b) {
    double[][] c = new double[a.length][a[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a[0].length; j++) {
        c[i][j] = a[i][j] + b[i][j];
      }
    }
    return c;
  }

  private static double[][] linear(double[][] x, double[] p, int at, int k, int n) {
    double[][] y = new double[x.length][n];
    for (int t = 0; t < x.length; t++) {
      for (int j = 0; j < n; j++) {
        y[t][j] = p[at + k * n + j];
        for (int i = 0; i < k; i++) {
          y[t][j] += x[t][i] * p[at + i * n + j];
        }
      }
    }
    return y;
  }

  private static double[][] norm(double[][] x, double[] p, int gamma, int beta) {
    int d = x[0].length;
    double[][] y = new double[x.length][d];
    for (int t = 0; t < x.length; t++) {
      double mean = 0;
      double var = 0;
      for (double v : x[t]) {
        mean += v / d;
      }
      for (double v : x[t]) {
        var += (v - mean) * (v - mean) / d;
      }
      for (int i = 0; i < d; i++) {
        y[t][i] = p[gamma + i] * (x[t][i] - mean) / Math.sqrt(var + 1e-12) + p[beta + i];
      }
    }
    return y;
  }
}
