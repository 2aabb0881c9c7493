package io.sidstream.model.recommend;

/**
 * The recommender in plain double loops, padded and right-aligned as the original is, one sequence
 * at a time; evaluation mode. Written from the equations, apart from the code it checks.
 */
public final class PaddedReference {
  private PaddedReference() {}

  /** h of the n real positions of one sequence x [n][d]. */
  public static double[][] forward(RecommenderShape shape, double[] p, double[][] x) {
    int d = shape.dim();
    int len = shape.maxLen();
    int pad = len - x.length;
    double[][] in = new double[len][d];
    for (int t = 0; t < len; t++) {
      for (int i = 0; i < d; i++) {
        in[t][i] = p[t * d + i] + (t >= pad ? x[t - pad][i] : 0);
      }
    }
    int at = len * d;
    in = norm(in, p, at, at + d);
    at += 2 * d;
    for (int b = 0; b < shape.blocks(); b++) {
      int f = shape.ffn();
      double[][] qkv = linear(in, p, at, d, 3 * d);
      at += 3 * d * d + 3 * d;
      double[][] ctx = new double[len][d];
      int hd = d / shape.heads();
      for (int h = 0; h < shape.heads(); h++) {
        for (int i = pad; i < len; i++) {
          double[] w = new double[len];
          double sum = 0;
          for (int j = pad; j <= i; j++) {
            for (int k = 0; k < hd; k++) {
              w[j] += qkv[i][h * hd + k] * qkv[j][d + h * hd + k];
            }
            w[j] = Math.exp(w[j] / Math.sqrt(hd));
            sum += w[j];
          }
          for (int j = pad; j <= i; j++) {
            for (int k = 0; k < hd; k++) {
              ctx[i][h * hd + k] += w[j] / sum * qkv[j][2 * d + h * hd + k];
            }
          }
        }
      }
      double[][] o = linear(ctx, p, at, d, d);
      at += d * d + d;
      double[][] y = norm(add(o, in), p, at, at + d);
      at += 2 * d;
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
    return java.util.Arrays.copyOfRange(in, pad, len);
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
