package io.sidstream.model.math;

/**
 * A small seeded random generator whose whole state is one {@code long}: SplitMix64 (Steele, Lea
 * and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). Saving {@link
 * #state()} and going on from {@code new Rng(state)} equals going on. Not thread-safe.
 */
public final class Rng {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  /** A generator that starts from the seed, or goes on from a saved {@link #state()}. */
  public Rng(long seed) {
    this.state = seed;
  }

  /** The whole state. */
  public long state() {
    return state;
  }

  /** The next 64 bits. */
  public long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /**
   * Uniform in {@code 0..bound-1}, without bias (Lemire, "Fast random integer generation in an
   * interval", 2019).
   *
   * @throws IllegalArgumentException when the bound is not positive
   */
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("Random bound is " + bound + "; it must be positive");
    }
    long product = (nextLong() >>> 32) * bound;
    long low = product & 0xFFFFFFFFL;
    if (low < bound) {
      long threshold = (1L << 32) % bound;
      while (low < threshold) {
        product = (nextLong() >>> 32) * bound;
        low = product & 0xFFFFFFFFL;
      }
    }
    return (int) (product >>> 32);
  }

  /** Uniform in [0, 1), 24 bits. */
  public float nextFloat() {
    return (nextLong() >>> 40) * 0x1p-24f;
  }

  /** Uniform in [0, 1), 53 bits. */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  /**
   * Standard normal (Box and Muller; two draws each, so that no second value has to be kept as
   * state).
   */
  public float nextGaussian() {
    double u = 1 - nextDouble();
    double v = nextDouble();
    return (float)
        (StrictMath.sqrt(-2 * StrictMath.log(u)) * StrictMath.cos(2 * StrictMath.PI * v));
  }

  /** A generator independent of this one, by consuming one draw. */
  public Rng split() {
    return new Rng(mix(nextLong() ^ GOLDEN_GAMMA));
  }

  /**
   * The generator with the given number among those derived from this state; this one does not
   * move.
   */
  public Rng stream(long number) {
    return new Rng(hash(state, number, GOLDEN_GAMMA));
  }

  /**
   * A stateless draw: 64 bits that depend on the three values only (for dropout: seed, step,
   * position).
   */
  public static long hash(long seed, long step, long position) {
    return mix(
        mix(mix(seed + GOLDEN_GAMMA) ^ step * GOLDEN_GAMMA) ^ position * 0xD1342543DE82EF95L);
  }

  /** Turns a {@link #hash} into a uniform number in [0, 1). */
  public static float uniform(long hash) {
    return (hash >>> 40) * 0x1p-24f;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
