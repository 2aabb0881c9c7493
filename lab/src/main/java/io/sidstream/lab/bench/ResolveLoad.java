package io.sidstream.lab.bench;

import io.sidstream.job.record.Claim;
import io.sidstream.job.record.Resolved;
import io.sidstream.model.math.Rng;
import java.io.Serializable;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * Claims of synthetic items on few tuples, 3 levels of 256 codes. The n-th fullest of the prefixes
 * has a share of the tuples that falls with n^0.6, from 256 on, and items choose tuples of full
 * prefixes sooner, so that some prefixes have far more items than codes and many have one. Messages
 * follow from their number alone.
 */
final class ResolveLoad implements Serializable {
  private static final long serialVersionUID = 1;

  /** Codes of a level. */
  static final int CODES = 256;

  /** Version of the messages of items that move; the claims before are of version 1. */
  static final int MOVING = 2;

  private static final long SEED = 1;
  private static final int EVERY = 10;

  /** Above 1: items prefer the first tuples. */
  private static final double SKEW = 1.5;

  private final int items;

  /** {@code [tuples]} prefix of each, ascending; a prefix's tuples have the codes from 0 on. */
  private final int[] prefix;

  /** {@code [prefixes]} the first tuple of each. */
  private final int[] start;

  ResolveLoad(int items, int perTuple) {
    this.items = items;
    prefix = new int[items / perTuple];
    int[] starts = new int[prefix.length];
    int made = 0;
    int p = 0;
    for (; made < prefix.length; p++) {
      if (p == CODES * CODES) {
        throw new IllegalArgumentException(
            "%d items in tuples of %d do not fit %d prefixes: take more per tuple"
                .formatted(items, perTuple, CODES * CODES));
      }
      int size = (int) Math.ceil(CODES / Math.pow(p + 1, .6));
      int end = Math.min(prefix.length, made + size);
      starts[p] = made;
      Arrays.fill(prefix, made, end, p);
      made = end;
    }
    start = Arrays.copyOf(starts, p);
  }

  int tuples() {
    return prefix.length;
  }

  int prefixes() {
    return start.length;
  }

  int movers() {
    return (items + EVERY - 1) / EVERY;
  }

  /** A claim of each item, then a release and a claim of each that moves. */
  long messages() {
    return items + 2L * movers();
  }

  /** The tuple that an item chooses: one each first, the others at random. */
  int tuple(int item) {
    return item < prefix.length ? item : random(item, 0);
  }

  private int random(int item, int draw) {
    double u = (Rng.hash(SEED, item, draw) >>> 11) * 0x1p-53;
    return (int) (prefix.length * Math.pow(u, SKEW));
  }

  /** Where an item moves to: as likely as where it came from, but another prefix. */
  private int target(int item) {
    int from = prefix[tuple(item)];
    int to = random(item, 1);
    return prefix[to] != from ? to : start[(from + 1) % start.length];
  }

  Claim message(long number) {
    Claim claim = new Claim();
    claim.seq = number;
    int item;
    int tuple;
    if (number < items) {
      item = shuffled((int) number);
      tuple = tuple(item);
      claim.version = 1;
    } else {
      int move = (int) (number - items);
      item = move / 2 * EVERY;
      claim.release = move % 2 == 0;
      tuple = claim.release ? tuple(item) : target(item);
      claim.version = MOVING;
    }
    claim.item = "item-" + item;
    claim.prefix = new int[] {prefix[tuple] / CODES, prefix[tuple] % CODES};
    if (!claim.release) {
      claim.chosen = tuple - start[prefix[tuple]];
      claim.lastDistances = distances(claim.chosen);
      claim.distances = new float[3];
      claim.margins = new float[3];
    }
    return claim;
  }

  /** Another order of the items: multiplication by a prime that does not divide their number. */
  private int shuffled(int n) {
    long prime = items % 7919 == 0 ? 7927 : 7919;
    return (int) (n * prime % items);
  }

  /** Distances that grow with the difference from the chosen code. */
  private static float[] distances(int chosen) {
    float[] distances = new float[CODES];
    for (int step = 0; step < CODES; step++) {
      distances[(chosen + step) % CODES] = Math.min(step, CODES - step);
    }
    return distances;
  }

  /** Number of items of a prefix. */
  int of(int p) {
    return sizes()[p];
  }

  /** The prefix with the most items. */
  int fullest() {
    int[] sizes = sizes();
    int best = 0;
    for (int p = 1; p < sizes.length; p++) {
      best = sizes[p] > sizes[best] ? p : best;
    }
    return best;
  }

  private int[] sizes() {
    int[] sizes = new int[start.length];
    for (int item = 0; item < items; item++) {
      sizes[prefix[tuple(item)]]++;
    }
    return sizes;
  }

  /** Share of items whose tuple no other item chooses. */
  double uniqueBefore() {
    int[] holders = new int[prefix.length];
    for (int item = 0; item < items; item++) {
      holders[tuple(item)]++;
    }
    return (double) Arrays.stream(holders).filter(n -> n == 1).count() / items;
  }

  /** The tokens that the items were given. */
  final class Tokens {
    /** {@code [items]} codes (24 bits) and suffix (the others). */
    private final long[] tokens = new long[items];

    private final BitSet moved = new BitSet();

    void put(Resolved answer) {
      int item = Integer.parseInt(answer.item.substring(5));
      int last = answer.codes[2];
      tokens[item] =
          (long) answer.suffix << 24 | answer.codes[0] << 16 | answer.codes[1] << 8 | last;
      moved.set(item, last != answer.nearest[2]);
    }

    /** Share of items whose token no other has. */
    double unique() {
      Map<Long, Integer> holders = new HashMap<>();
      for (long token : tokens) {
        holders.merge(token, 1, Integer::sum);
      }
      return (double) holders.values().stream().filter(n -> n == 1).count() / items;
    }

    double anotherLastCode() {
      return (double) moved.cardinality() / items;
    }

    double suffixed() {
      return (double) Arrays.stream(tokens).filter(token -> token >> 24 != 0).count() / items;
    }

    /** Items that did not move and have another token all the same. */
    int changedFrom(Tokens before) {
      int changed = 0;
      for (int item = 0; item < items; item++) {
        changed += item % EVERY != 0 && tokens[item] != before.tokens[item] ? 1 : 0;
      }
      return changed;
    }
  }
}
