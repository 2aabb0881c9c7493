package io.sidstream.model.learn;

import io.sidstream.model.math.Rng;
import java.util.ArrayList;
import java.util.List;

/**
 * Batches of about as many positions, whatever the length of the sequences. Each of two sets of
 * sequences is gone through in random order, again and again; a batch goes through none more than
 * once, so that no sequence is in it twice of one set.
 */
final class Sampler {
  /** Sequences in a random order, anew each time they are through. */
  private static final class Deck {
    private final int[][] sequences;
    private final int[] positions;
    private final Rng rng;
    private int next;

    Deck(List<int[]> from, int maxLen, Rng rng) {
      List<int[]> useful = new ArrayList<>();
      for (int[] sequence : from) {
        if (positions(sequence, maxLen) > 0) {
          useful.add(sequence);
        }
      }
      sequences = useful.toArray(int[][]::new);
      positions = new int[sequences.length];
      this.rng = rng;
      next = sequences.length;
      for (int i = 0; i < sequences.length; i++) {
        positions[i] = positions(sequences[i], maxLen);
      }
    }

    /** Adds sequences until there are so many positions; how many it added. */
    int deal(int wanted, List<int[]> to) {
      int dealt = 0;
      for (int i = 0; i < sequences.length && dealt < wanted; i++) {
        if (next == sequences.length) {
          shuffle();
        }
        to.add(sequences[next]);
        dealt += positions[next++];
      }
      return dealt;
    }

    private void shuffle() {
      next = 0;
      for (int i = sequences.length - 1; i > 0; i--) {
        int j = rng.nextInt(i + 1);
        int[] sequence = sequences[i];
        sequences[i] = sequences[j];
        sequences[j] = sequence;
        int p = positions[i];
        positions[i] = positions[j];
        positions[j] = p;
      }
    }
  }

  private final Deck recent;
  private final Deck replayed;
  private final int positions;
  private final double recentShare;
  private final long available;

  /**
   * Batches from two sets.
   *
   * @param maxLen inputs of a sequence that count, its newest
   */
  Sampler(RoundInput.Windows windows, LearnPlan.Steps steps, int maxLen, Rng rng) {
    recent = new Deck(windows.recent(), maxLen, rng.split());
    replayed = new Deck(windows.replayed(), maxLen, rng.split());
    positions = steps.positions();
    recentShare = steps.recentShare();
    long all = 0;
    for (Deck deck : List.of(recent, replayed)) {
      for (int p : deck.positions) {
        all += p;
      }
    }
    available = all;
  }

  /** Positions of a sequence: known items that have a known one behind them, the newest maxLen. */
  static int positions(int[] sequence, int maxLen) {
    int known = 0;
    for (int item : sequence) {
      known += item >= 0 ? 1 : 0;
    }
    return Math.max(0, Math.min(known - 1, maxLen));
  }

  /** Positions of all sequences. */
  long available() {
    return available;
  }

  /** The next batch; empty only where there is nothing to learn from. */
  int[][] next() {
    List<int[]> batch = new ArrayList<>();
    int dealt = recent.deal((int) Math.round(positions * recentShare), batch);
    dealt += replayed.deal(positions - dealt, batch);
    if (dealt < positions && replayed.sequences.length == 0) {
      recent.deal(positions - dealt, batch);
    }
    return batch.toArray(int[][]::new);
  }
}
