package io.sidstream.lab.tiger;

import io.sidstream.model.math.Rng;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * Trains a {@link GenerativeRecommender} on users' sequences: a step takes one target of each user
 * of its batch, drawn uniformly from all items but the first, and what precedes it as the history.
 * The same arguments give the same bits. Not thread-safe.
 *
 * <pre>{@code
 * TupleTrie trie = new TupleTrie(codes, items, levels, codewords);
 * GenerativeTrainer trainer =
 *     new GenerativeTrainer(trie, GeneratorShape.compact(trie.sizes(), 0.1f), sequences, seed);
 * double loss = trainer.step(users, 1e-3f);
 * double[] ranks = trainer.ranks(histories, targets, 20);
 * }</pre>
 */
public final class GenerativeTrainer {
  private final TupleTrie trie;
  private final GenerativeRecommender recommender;
  private final int[][] sequences;
  private final long seed;
  private final Histories batch;
  private int[] targets = {};
  private long steps;

  /**
   * A trainer at the start.
   *
   * @param sequences per user the items that are learnt from, oldest first
   * @param seed everything random is drawn from it
   */
  public GenerativeTrainer(TupleTrie trie, GeneratorShape shape, int[][] sequences, long seed) {
    if (!shape.codes().equals(trie.sizes())) {
      throw new IllegalArgumentException(
          "the shape is for codes "
              + shape.codes()
              + ", the trie has "
              + trie.sizes()
              + "; take those of the trie");
    }
    this.trie = trie;
    this.sequences = sequences;
    this.seed = seed;
    recommender = new GenerativeRecommender(shape, new Rng(seed).stream(3));
    batch = new Histories(trie, shape.maxItems());
  }

  /** The model. */
  public GenerativeRecommender recommender() {
    return recommender;
  }

  /**
   * One step of Adam. Users with fewer than two items are left out; a batch without any other does
   * nothing.
   *
   * @param users user indices
   * @return the mean loss of a code before the step; 0 where nothing was learnt
   * @throws IllegalStateException where the loss is not finite
   */
  public double step(int[] users, float learningRate) {
    batch.clear();
    if (targets.length < users.length * trie.depth()) {
      targets = new int[users.length * trie.depth()];
    }
    for (int user : users) {
      int[] sequence = sequences[user];
      if (sequence.length >= 2) {
        int cut = 1 + new Rng(Rng.hash(seed, steps, user)).nextInt(sequence.length - 1);
        trie.copyTuple(sequence[cut], targets, batch.count() * trie.depth());
        batch.add(sequence, cut);
      }
    }
    if (batch.count() == 0) {
      return 0;
    }
    double loss =
        recommender.learn(batch.codes(), batch.offsets(), batch.count(), targets, seed, steps);
    if (!Double.isFinite(loss)) {
      throw new IllegalStateException(
          "the generator's loss is "
              + loss
              + " in step "
              + (steps + 1)
              + "; nothing was changed by it: lower the learning rate");
    }
    steps++;
    recommender.adamStep(learningRate);
    return loss;
  }

  /**
   * Ranks of targets among what a beam search finds, the history masked (but for the target, should
   * it be there).
   *
   * @param histories per user what precedes the target; a user with an empty one is left out
   * @param beam width of the beam
   * @return per user the rank from 1, infinite where it was not found, NaN for a user left out
   */
  public double[] ranks(int[][] histories, int[] targets, int beam) {
    int[] users = new int[histories.length];
    int n = 0;
    for (int u = 0; u < histories.length; u++) {
      if (histories[u].length > 0) {
        users[n++] = u;
      }
    }
    int[][] read = new int[n][];
    int[][] masked = new int[n][];
    for (int i = 0; i < n; i++) {
      int target = targets[users[i]];
      read[i] = histories[users[i]];
      masked[i] = Arrays.stream(read[i]).filter(item -> item != target).toArray();
    }
    BeamSearch.Found[] found = new BeamSearch(recommender, trie, beam).search(read, masked);
    double[] ranks = new double[histories.length];
    Arrays.fill(ranks, Double.NaN);
    for (int i = 0; i < n; i++) {
      ranks[users[i]] = found[i].rank(targets[users[i]]);
    }
    return ranks;
  }

  /** Weights, Adam's moments and step counts. */
  public void writeState(DataOutput out) throws IOException {
    out.writeLong(steps);
    recommender.writeState(out);
  }

  /** Replaces what {@link #writeState} wrote; tuples and shape must be the same. */
  public void readState(DataInput in) throws IOException {
    steps = in.readLong();
    recommender.readState(in);
  }
}
