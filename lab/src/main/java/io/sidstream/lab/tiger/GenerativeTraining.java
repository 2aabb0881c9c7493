package io.sidstream.lab.tiger;

import io.sidstream.cli.train.BestEpoch;
import io.sidstream.cli.train.LeaveOneOutSplit;
import io.sidstream.cli.train.StepTimes;
import io.sidstream.cli.train.UserBatches;
import io.sidstream.model.evaluate.RankingMetrics;
import io.sidstream.model.math.Rng;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Trains a generator of code tuples on a leave-one-out split, epoch by epoch, until NDCG@10 of the
 * beam search over a seeded sample of the validation users has not risen for {@code patience}
 * epochs, and goes back to the best epoch. The same arguments give the same bits.
 */
final class GenerativeTraining {
  /** Validation users that an epoch is judged by, at most: a beam search is slow. */
  static final int VALIDATION_USERS = 2000;

  /** Hears what happens. */
  interface Listener {
    /**
     * A step is done.
     *
     * @param steps of the epoch
     * @param loss mean of a code
     */
    void step(int epoch, int steps, double loss);

    /**
     * An epoch is done.
     *
     * @param loss mean of a code
     * @param msPerStep median
     * @param best whether it is the best so far
     */
    void epoch(int number, double loss, double msPerStep, RankingMetrics validation, boolean best);
  }

  private final LeaveOneOutSplit split;
  private final GenerativeTrainer trainer;
  private final int beam;
  private final long seed;

  /** Users with something to predict in what is learnt from. */
  private final int[] learnt;

  private final int[] judged;
  private final StepTimes times = new StepTimes();
  private BestEpoch best = BestEpoch.NONE;

  GenerativeTraining(TupleTrie trie, LeaveOneOutSplit split, float dropout, int beam, long seed) {
    this.split = split;
    this.beam = beam;
    this.seed = seed;
    trainer =
        new GenerativeTrainer(
            trie, GeneratorShape.compact(trie.sizes(), dropout), split.train, seed);
    int[] users = IntStream.range(0, split.train.length).toArray();
    learnt = Arrays.stream(users).filter(u -> split.train[u].length >= 2).toArray();
    int[] with =
        Arrays.stream(users).filter(u -> split.validationHistories[u].length > 0).toArray();
    UserBatches.shuffle(with, new Rng(Rng.hash(seed, 1_000_033, 0)));
    judged = Arrays.copyOf(with, Math.min(with.length, VALIDATION_USERS));
  }

  /**
   * Trains.
   *
   * @param first number of the first epoch
   */
  void run(int first, int epochs, int patience, int batch, float learningRate, Listener listener)
      throws IOException {
    byte[] bestState = {};
    for (int number = first; number - first < epochs && best.since() < patience; number++) {
      int[][] batches = UserBatches.of(learnt, batch, seed, number);
      double loss = 0;
      int before = times.count();
      for (int[] users : batches) {
        long start = System.nanoTime();
        double ofStep = trainer.step(users, learningRate);
        times.addSince(start);
        loss += ofStep / batches.length;
        listener.step(number, batches.length, ofStep);
      }
      RankingMetrics validation = rank(judged, split.validationHistories, split.validationTargets);
      best = best.after(number, validation.ndcg(10));
      boolean better = best.since() == 0;
      if (better) {
        bestState = state();
      }
      listener.epoch(number, loss, times.medianFrom(before), validation, better);
    }
    trainer.readState(new DataInputStream(new ByteArrayInputStream(bestState)));
  }

  private RankingMetrics rank(int[] users, int[][] histories, int[] targets) {
    int[][] of = Arrays.stream(users).mapToObj(u -> histories[u]).toArray(int[][]::new);
    int[] wanted = Arrays.stream(users).map(u -> targets[u]).toArray();
    RankingMetrics metrics = new RankingMetrics();
    for (double rank : trainer.ranks(of, wanted, beam)) {
      if (!Double.isNaN(rank)) {
        // What was not found has an infinite rank and adds 0 to each figure.
        metrics.add(rank);
      }
    }
    return metrics;
  }

  /** The test targets of all users that have one. */
  RankingMetrics test() {
    int[] users = IntStream.range(0, split.train.length).toArray();
    return rank(users, split.testHistories, split.testTargets);
  }

  /** All that training goes on from. */
  byte[] state() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
    trainer.writeState(new DataOutputStream(bytes));
    return bytes.toByteArray();
  }

  /** Number of the best epoch. */
  int bestEpoch() {
    return best.epoch();
  }

  /** Times of its steps. */
  StepTimes times() {
    return times;
  }
}
