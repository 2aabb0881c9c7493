package io.sidstream.model.recommend;

import io.sidstream.model.math.Kernels;

/**
 * Row-wise layers as fused loops: what has no weights of its own to multiply. All arrays row-major.
 */
final class Layers {
  /**
   * Numbers that go through the loops of {@link #gelu} together, so that they stay in the cache.
   */
  private static final int BLOCK = 1024;

  private Layers() {}

  /**
   * GELU x * Phi(x) and its derivative Phi(x) + x * phi(x). Phi by Abramowitz and Stegun 7.1.26
   * (absolute error 1.5e-7, the resolution of a float).
   */
  static void gelu(float[] x, float[] y, float[] slope, int n) {
    for (int from = 0; from < n; from += BLOCK) {
      gelu(x, y, slope, from, Math.min(n, from + BLOCK));
    }
  }

  /** In loops so short, and without branches, that HotSpot vectorises each of them. */
  private static void gelu(float[] x, float[] y, float[] slope, int from, int to) {
    for (int i = from; i < to; i++) {
      float a = Math.abs(x[i]) * 0.70710678f;
      slope[i] = -a * a;
    }
    for (int i = from; i < to; i++) {
      slope[i] = exp(slope[i]);
    }
    for (int i = from; i < to; i++) {
      float t = 1f / (1f + 0.3275911f * (Math.abs(x[i]) * 0.70710678f));
      y[i] =
          t
              * (0.254829592f
                  + t
                      * (-0.284496736f
                          + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    }
    // y = Phi: the tail where x is negative, else what it leaves of 1.
    for (int i = from; i < to; i++) {
      float tail = 0.5f * y[i] * slope[i];
      float positive = Math.min(1f, Math.max(0f, x[i] * 1e38f + 1f));
      y[i] = positive * (1f - tail) + (1f - positive) * tail;
    }
    for (int i = from; i < to; i++) {
      slope[i] = y[i] + x[i] * 0.39894228f * slope[i];
    }
    for (int i = from; i < to; i++) {
      y[i] = x[i] * y[i];
    }
  }

  /**
   * e^x for x &lt;= 0 by additions and products alone, so that a loop over it vectorises: Taylor's
   * 7th order at x/64, squared six times. Relative error below 1e-5 down to -16, and results under
   * 1e-20 in size are only roughly right.
   */
  static float exp(float x) {
    float y = Math.max(x, -80f) * 0.015625f;
    float p =
        1f
            + y
                * (1f
                    + y
                        * (0.5f
                            + y
                                * (0.16666667f
                                    + y
                                        * (0.041666667f
                                            + y
                                                * (0.0083333333f
                                                    + y * (0.0013888889f + y * 1.9841270e-4f))))));
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    return p * p;
  }

  /** x[i] = e^(x[i] - max), and the sum of it. */
  static float expShifted(float[] x, int off, int n, float max) {
    for (int i = off; i < off + n; i++) {
      x[i] = exp(x[i] - max);
    }
    return Kernels.sum(x, off, n);
  }

  static float max(float[] x, int off, int n) {
    float m = x[off];
    for (int i = off + 1; i < off + n; i++) {
      m = Math.max(m, x[i]);
    }
    return m;
  }
}
