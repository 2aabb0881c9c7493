package io.sidstream.model.math;

/**
 * Fused loops over heap arrays, row-major, written so that HotSpot vectorises the elementwise ones:
 * Java 17 does so where all arrays of a loop are read and written at the same index, not where
 * their offsets differ, so the common case of equal offsets has a loop of its own. Sums are kept in
 * eight lanes, or four, because a float sum in strict order cannot be reordered by the compiler.
 * All results are the same bits on every JVM: only IEEE arithmetic and square roots, no library
 * functions whose last bit may differ.
 *
 * <p>Gradients of parameters are added to what the target holds; gradients of inputs overwrite it.
 */
public final class Kernels {
  private static final float ADAM_BETA1 = 0.9f;
  private static final float ADAM_BETA2 = 0.999f;
  private static final float ADAM_EPS = 1e-8f;

  private Kernels() {}

  /**
   * y[r, :] = b for each row: where a product then adds to y (beta 1), that is a bias for nothing,
   * as the product would otherwise begin by filling y with zeros.
   */
  public static void fillRows(float[] b, int bOff, int rows, int cols, float[] y, int yOff) {
    for (int r = 0; r < rows; r++) {
      System.arraycopy(b, bOff, y, yOff + r * cols, cols);
    }
  }

  /**
   * ReLU in place, as (y + |y|) / 2: the same bits as max(0, y) for values below 1e38, but a value
   * that is not finite stays so, of either sign, and is found later.
   */
  public static void relu(float[] y, int yOff, int n) {
    for (int i = yOff; i < yOff + n; i++) {
      y[i] = 0.5f * (y[i] + Math.abs(y[i]));
    }
  }

  /** dy[i] = 0 where the ReLU output y[i] is 0; by a product, as a branch would not vectorise. */
  public static void reluBackward(float[] dy, float[] y, int n) {
    for (int i = 0; i < n; i++) {
      dy[i] *= Math.min(1f, y[i] * 1e38f);
    }
  }

  /** db += sum over rows of dy: the gradient of a bias. */
  public static void addColumnSums(
      float[] dy, int dyOff, int rows, int cols, float[] db, int dbOff) {
    for (int r = 0; r < rows; r++) {
      int at = dyOff + r * cols;
      for (int c = 0; c < cols; c++) {
        db[dbOff + c] += dy[at + c];
      }
    }
  }

  /**
   * Layer normalisation of each row: y = (x - mean) * rstd * gamma + beta, rstd = 1 / sqrt(var +
   * eps), var the biased variance. Mean and rstd of row r are kept at index r for the backward
   * pass. y may be x only if no backward pass follows.
   */
  public static void layerNorm(
      float[] x,
      int xOff,
      int rows,
      int cols,
      float[] gamma,
      int gammaOff,
      float[] beta,
      int betaOff,
      float eps,
      float[] y,
      int yOff,
      float[] mean,
      float[] rstd) {
    for (int r = 0; r < rows; r++) {
      int xi = xOff + r * cols;
      int yi = yOff + r * cols;
      float mu = sum(x, xi, cols) / cols;
      float rs = 1f / (float) Math.sqrt(squaredDeviations(x, xi, cols, mu) / cols + eps);
      mean[r] = mu;
      rstd[r] = rs;
      for (int c = 0; c < cols; c++) {
        y[yi + c] = (x[xi + c] - mu) * rs * gamma[gammaOff + c] + beta[betaOff + c];
      }
    }
  }

  /**
   * Backward pass of {@link #layerNorm}: with xh = (x - mean) * rstd and g = dy * gamma, dx = rstd
   * * (g - mean(g) - xh * mean(g * xh)). dx may be dy. dgamma and dbeta are added to.
   */
  public static void layerNormBackward(
      float[] dy,
      int dyOff,
      float[] x,
      int xOff,
      int rows,
      int cols,
      float[] gamma,
      int gammaOff,
      float[] mean,
      float[] rstd,
      float[] dx,
      int dxOff,
      float[] dgamma,
      int dgammaOff,
      float[] dbeta,
      int dbetaOff) {
    for (int r = 0; r < rows; r++) {
      int xi = xOff + r * cols;
      int di = dyOff + r * cols;
      int oi = dxOff + r * cols;
      float mu = mean[r];
      float rs = rstd[r];
      for (int c = 0; c < cols; c++) {
        float d = dy[di + c];
        dbeta[dbetaOff + c] += d;
        dgamma[dgammaOff + c] += d * (x[xi + c] - mu) * rs;
      }
      float meanG = dot(dy, di, gamma, gammaOff, cols) / cols;
      float s0 = 0;
      float s1 = 0;
      float s2 = 0;
      float s3 = 0;
      int c = 0;
      for (; c + 3 < cols; c += 4) {
        s0 += dy[di + c] * gamma[gammaOff + c] * (x[xi + c] - mu);
        s1 += dy[di + c + 1] * gamma[gammaOff + c + 1] * (x[xi + c + 1] - mu);
        s2 += dy[di + c + 2] * gamma[gammaOff + c + 2] * (x[xi + c + 2] - mu);
        s3 += dy[di + c + 3] * gamma[gammaOff + c + 3] * (x[xi + c + 3] - mu);
      }
      for (; c < cols; c++) {
        s0 += dy[di + c] * gamma[gammaOff + c] * (x[xi + c] - mu);
      }
      float meanGx = ((s0 + s1) + (s2 + s3)) * rs / cols;
      for (int j = 0; j < cols; j++) {
        dx[oi + j] =
            rs * (dy[di + j] * gamma[gammaOff + j] - meanG - (x[xi + j] - mu) * rs * meanGx);
      }
    }
  }

  /**
   * e^x to about 2 units in the last place (range reduction and polynomial of Cephes' expf); 0
   * below -87.3, about 1.6e38 above 88.
   */
  public static float exp(float x) {
    if (x != x) {
      return x;
    }
    if (x < -87.3f) {
      return 0f;
    }
    float v = Math.min(88f, x);
    float n = v * 1.44269504f;
    int whole = (int) (n + (n < 0 ? -0.5f : 0.5f));
    float r = v - whole * 0.693359375f;
    r = r + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1f;
    return p * Float.intBitsToFloat((whole + 127) << 23);
  }

  /** 1 / (1 + e^-x). */
  public static float sigmoid(float x) {
    if (x >= 0) {
      return 1f / (1f + exp(-x));
    }
    float e = exp(x);
    return e / (1f + e);
  }

  /**
   * Softmax in place over n values; returns log(sum(exp(x))). Negative infinity is allowed for
   * masked values, not for all of them.
   */
  public static float softmax(float[] x, int off, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, x[off + i]);
    }
    for (int i = 0; i < n; i++) {
      x[off + i] = exp(x[off + i] - max);
    }
    float sum = sum(x, off, n);
    scale(1f / sum, x, off, n);
    return max + (float) StrictMath.log(sum);
  }

  /** y += a x. */
  public static void axpy(float a, float[] x, int xOff, float[] y, int yOff, int n) {
    if (xOff == yOff) {
      for (int i = yOff; i < yOff + n; i++) {
        y[i] += a * x[i];
      }
      return;
    }
    for (int i = 0; i < n; i++) {
      y[yOff + i] += a * x[xOff + i];
    }
  }

  /** to[i] = max(a[i], b[i]); to may be a or b. */
  public static void max(float[] a, float[] b, float[] to, int n) {
    for (int i = 0; i < n; i++) {
      to[i] = Math.max(a[i], b[i]);
    }
  }

  /** x *= a. */
  public static void scale(float a, float[] x, int off, int n) {
    for (int i = 0; i < n; i++) {
      x[off + i] *= a;
    }
  }

  /** Inner product. */
  public static float dot(float[] a, int aOff, float[] b, int bOff, int n) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int i = 0;
    for (; i + 7 < n; i += 8) {
      int p = aOff + i;
      int q = bOff + i;
      s0 += a[p] * b[q];
      s1 += a[p + 1] * b[q + 1];
      s2 += a[p + 2] * b[q + 2];
      s3 += a[p + 3] * b[q + 3];
      s4 += a[p + 4] * b[q + 4];
      s5 += a[p + 5] * b[q + 5];
      s6 += a[p + 6] * b[q + 6];
      s7 += a[p + 7] * b[q + 7];
    }
    for (; i < n; i++) {
      s0 += a[aOff + i] * b[bOff + i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  /** Sum of n values. */
  public static float sum(float[] x, int off, int n) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int i = 0;
    for (; i + 7 < n; i += 8) {
      int p = off + i;
      s0 += x[p];
      s1 += x[p + 1];
      s2 += x[p + 2];
      s3 += x[p + 3];
      s4 += x[p + 4];
      s5 += x[p + 5];
      s6 += x[p + 6];
      s7 += x[p + 7];
    }
    for (; i < n; i++) {
      s0 += x[off + i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  /** Squared Euclidean distance of two vectors. */
  public static float squaredDistance(float[] a, int aOff, float[] b, int bOff, int n) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int i = 0;
    for (; i + 3 < n; i += 4) {
      float d0 = a[aOff + i] - b[bOff + i];
      float d1 = a[aOff + i + 1] - b[bOff + i + 1];
      float d2 = a[aOff + i + 2] - b[bOff + i + 2];
      float d3 = a[aOff + i + 3] - b[bOff + i + 3];
      s0 += d0 * d0;
      s1 += d1 * d1;
      s2 += d2 * d2;
      s3 += d3 * d3;
    }
    for (; i < n; i++) {
      float d = a[aOff + i] - b[bOff + i];
      s0 += d * d;
    }
    return (s0 + s1) + (s2 + s3);
  }

  private static float squaredDeviations(float[] x, int off, int n, float mean) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int i = 0;
    for (; i + 3 < n; i += 4) {
      float d0 = x[off + i] - mean;
      float d1 = x[off + i + 1] - mean;
      float d2 = x[off + i + 2] - mean;
      float d3 = x[off + i + 3] - mean;
      s0 += d0 * d0;
      s1 += d1 * d1;
      s2 += d2 * d2;
      s3 += d3 * d3;
    }
    for (; i < n; i++) {
      float d = x[off + i] - mean;
      s0 += d * d;
    }
    return (s0 + s1) + (s2 + s3);
  }

  /** Euclidean norm. */
  public static float norm(float[] x, int off, int n) {
    return (float) Math.sqrt(dot(x, off, x, off, n));
  }

  /** Scales each row to unit length; a row of norm 0 stays as it is. */
  public static void normaliseRows(float[] x, int off, int rows, int cols) {
    for (int r = 0; r < rows; r++) {
      float norm = norm(x, off + r * cols, cols);
      if (norm > 0f) {
        scale(1f / norm, x, off + r * cols, cols);
      }
    }
  }

  /**
   * One Adam step over n parameters (Kingma and Ba, arXiv 1412.6980, with bias correction): m = b1
   * m + (1 - b1) g, v = b2 v + (1 - b2) g², p -= lr / (1 - b1^step) * m / (sqrt(v / (1 - b2^step))
   * + eps), with b1 = {@value #ADAM_BETA1}, b2 = {@value #ADAM_BETA2} and eps = {@value #ADAM_EPS}.
   *
   * @param step number of this step, from 1
   */
  public static void adam(
      float[] p,
      int pOff,
      float[] g,
      int gOff,
      float[] m,
      int mOff,
      float[] v,
      int vOff,
      int n,
      long step,
      float lr) {
    float rate = (float) (lr / (1 - StrictMath.pow(ADAM_BETA1, step)));
    float correction = (float) (1 / StrictMath.sqrt(1 - StrictMath.pow(ADAM_BETA2, step)));
    float rest1 = 1f - ADAM_BETA1;
    float rest2 = 1f - ADAM_BETA2;
    if (pOff == gOff && pOff == mOff && pOff == vOff) {
      for (int i = pOff; i < pOff + n; i++) {
        float d = g[i];
        float mi = ADAM_BETA1 * m[i] + rest1 * d;
        float vi = ADAM_BETA2 * v[i] + rest2 * d * d;
        m[i] = mi;
        v[i] = vi;
        p[i] -= rate * mi / ((float) Math.sqrt(vi) * correction + ADAM_EPS);
      }
      return;
    }
    for (int i = 0; i < n; i++) {
      float d = g[gOff + i];
      float mi = ADAM_BETA1 * m[mOff + i] + rest1 * d;
      float vi = ADAM_BETA2 * v[vOff + i] + rest2 * d * d;
      m[mOff + i] = mi;
      v[vOff + i] = vi;
      p[pOff + i] -= rate * mi / ((float) Math.sqrt(vi) * correction + ADAM_EPS);
    }
  }

  /**
   * dst[rows[i], :] += src[i, :] for i in 0..n-1, in order, so that repeated rows add up the same
   * way each time.
   */
  public static void scatterAddRows(
      float[] src, int srcOff, int cols, int[] rows, int n, float[] dst, int dstOff) {
    for (int i = 0; i < n; i++) {
      axpy(1f, src, srcOff + i * cols, dst, dstOff + rows[i] * cols, cols);
    }
  }

  /** dst[i, :] = src[rows[i], :] for i in 0..n-1. */
  public static void gatherRows(
      float[] src, int srcOff, int cols, int[] rows, int n, float[] dst, int dstOff) {
    for (int i = 0; i < n; i++) {
      System.arraycopy(src, srcOff + rows[i] * cols, dst, dstOff + i * cols, cols);
    }
  }

  /** dst[i, :] = src[i, from .. from + width - 1] for i in 0..rows-1, src of cols columns. */
  public static void gatherColumns(
      float[] src, int cols, int from, int width, int rows, float[] dst) {
    for (int i = 0; i < rows; i++) {
      System.arraycopy(src, i * cols + from, dst, i * width, width);
    }
  }
}
