package io.sidstream.model.recommend;

/**
 * Dropout without stored masks: whether an element is kept is a hash of (key, element), so forward
 * and backward draw the same mask and a step repeats bit for bit. Hash: the 32-bit finaliser of
 * MurmurHash3 (Appleby, public domain) on a Weyl sequence.
 */
final class Dropout {
  private final int threshold;
  private final int scaleBits;

  Dropout(float rate) {
    threshold = (int) (rate * (1 << 24));
    scaleBits = Float.floatToRawIntBits(1f / (1f - rate));
  }

  /** The 32-bit key of one layer in one step. */
  static int key(long seed, long step, int layer) {
    long z = seed + step * 0x9E3779B97F4A7C15L + layer * 0xD1B54A32D192ED03L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return (int) ((z ^ (z >>> 31)) >>> 16);
  }

  /** 0 where the element is dropped, 1 / (1 - rate) where it is kept. */
  float factor(int key, int element) {
    int x = (element + key) * 0x9E3779B1;
    x ^= x >>> 16;
    x *= 0x85EBCA6B;
    x ^= x >>> 13;
    x *= 0xC2B2AE35;
    x ^= x >>> 16;
    // A branch would be mispredicted every other time: all bits stay where the draw is at least the
    // threshold, none where it is below.
    return Float.intBitsToFloat(scaleBits & ((threshold - 1 - (x >>> 8)) >> 31));
  }

  /** x[i] *= factor(key, i). */
  void apply(int key, float[] x, int n) {
    for (int i = 0; i < n; i++) {
      x[i] *= factor(key, i);
    }
  }

  /** y[i] = x[i] * factor(key, i). */
  void apply(int key, float[] x, float[] y, int n) {
    for (int i = 0; i < n; i++) {
      y[i] = x[i] * factor(key, i);
    }
  }

  /** y[to + i] = x[from + i] * factor(key, first + i). */
  void apply(int key, int first, float[] x, int from, float[] y, int to, int n) {
    for (int i = 0; i < n; i++) {
      y[to + i] = x[from + i] * factor(key, first + i);
    }
  }
}
