package io.sidstream.cli.train;

import io.sidstream.model.evaluate.LeaveOneOut;
import io.sidstream.model.math.Rng;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.Quality;
import io.sidstream.model.train.StepStats;
import io.sidstream.model.train.UserSequences;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * Trains on a leave-one-out split, epoch by epoch, until validation MRR (sampled protocol) has not
 * risen for {@code patience} epochs, and goes back to the best epoch. The same arguments give the
 * same bits.
 */
final class OfflineTraining {
  /** How the two parts are trained. */
  enum Schedule {
    /** Together. */
    JOINT,
    /** Together for some epochs; then the quantizer is frozen and the recommender goes on. */
    JOINT_THEN_FROZEN,
    /** The quantizer alone first; then it is frozen and the recommender learns. */
    TWO_STAGE
  }

  /**
   * One epoch.
   *
   * @param number from 0, over both stages
   * @param phase what moved
   * @param loss mean recommendation loss of the steps; 0 in the quantizer's own stage
   * @param reconstruction mean of ‖g(z) − x‖² over the steps; 0 where the quantizer is frozen
   * @param msPerStep mean time of a step
   * @param validation rankings; null in the quantizer's own stage
   * @param quality of the tokenizer; null without one
   * @param best whether it is the best so far
   */
  record Epoch(
      int number,
      Phase phase,
      double loss,
      double reconstruction,
      double msPerStep,
      LeaveOneOut.Result validation,
      Quality quality,
      boolean best) {}

  /** Hears what happens. */
  interface Listener {
    /**
     * A step is done.
     *
     * @param step from 0
     * @param steps of the epoch
     */
    void step(int epoch, int step, int steps, StepStats stats);

    /** An epoch is done. */
    void epoch(Epoch epoch);
  }

  private final TrainingData data;
  private final LeaveOneOutSplit split;
  private final StoredNegatives negatives;
  private final JointConfig config;
  private final long seed;
  private final int[] catalogue;
  private final UserSequences users;
  private ItemTable items;
  private JointTrainer trainer;
  private double[] stepMillis = new double[1024];
  private int steps;
  private int bestEpoch = -1;
  private byte[] bestState;
  private byte[][] bestRows;

  OfflineTraining(
      TrainingData data,
      LeaveOneOutSplit split,
      StoredNegatives negatives,
      JointConfig config,
      long seed) {
    this.data = data;
    this.split = split;
    this.negatives = negatives;
    this.config = config;
    this.seed = seed;
    catalogue = catalogue(data.items());
    users = new UserSequences(config.maxLen() + 1);
    for (int u = 0; u < split.train.length; u++) {
      users.set(u, split.train[u], new long[split.train[u].length]);
    }
    items = JointTrainer.newItemTable(config);
    for (int i = 0; i < data.items(); i++) {
      items.put(i, data.vector(i), 0);
    }
    trainer = new JointTrainer(config, items, users, seed);
  }

  /** All items. */
  static int[] catalogue(int items) {
    int[] catalogue = new int[items];
    Arrays.setAll(catalogue, i -> i);
    return catalogue;
  }

  /**
   * Trains.
   *
   * @param epochs most epochs that the recommender learns
   * @param quantizerEpochs epochs of the quantizer's own stage under TWO_STAGE, of the common one
   *     under JOINT_THEN_FROZEN
   */
  void run(Schedule schedule, int epochs, int quantizerEpochs, int patience, Listener listener)
      throws IOException {
    int number = 0;
    boolean twoStage = schedule == Schedule.TWO_STAGE && config.hasSemantic();
    if (twoStage) {
      quantizerAlone(quantizerEpochs, listener);
      number = quantizerEpochs;
    } else if (config.hasSemantic()) {
      trainer.initialiseCodebooks(data.items());
    }
    double best = -1;
    int since = 0;
    for (int e = 0; e < epochs && since < patience; e++, number++) {
      boolean frozen =
          twoStage || (schedule == Schedule.JOINT_THEN_FROZEN && number >= quantizerEpochs);
      Phase phase = frozen ? Phase.RECOMMENDER : Phase.JOINT;
      double[] sums = epoch(number, phase, listener);
      if (!frozen) {
        adopt();
      }
      LeaveOneOut.Result validation =
          evaluate(split.validationHistories, split.validationTargets, negatives.validation());
      boolean better = validation.sampled.mrr() > best;
      since = better ? 0 : since + 1;
      if (better) {
        best = validation.sampled.mrr();
        bestEpoch = number;
        keep();
      }
      listener.epoch(
          new Epoch(number, phase, sums[0], sums[1], sums[2], validation, quality(), better));
    }
    restore();
  }

  /** The quantizer's own stage; then its codes are the items'. */
  void quantizerAlone(int epochs, Listener listener) {
    trainer.initialiseCodebooks(data.items());
    for (int number = 0; number < epochs; number++) {
      double[] sums = epoch(number, Phase.QUANTIZER_ALONE, listener);
      Quality quality = trainer.quality(trainer.candidate(new float[config.levels()]));
      listener.epoch(
          new Epoch(number, Phase.QUANTIZER_ALONE, 0, sums[1], sums[2], null, quality, false));
    }
    adopt();
  }

  private void adopt() {
    if (config.hasSemantic()) {
      // Nearest codes: nobody reads the tokens in between, so none are kept for their own sake.
      for (int i = 0; i < items.size(); i++) {
        Arrays.fill(items.codes(), i * config.levels(), (i + 1) * config.levels(), -1);
      }
      trainer.adopt(trainer.candidate(new float[config.levels()]));
    }
  }

  /** Fisher and Yates. */
  static void shuffle(int[] order, Rng rng) {
    for (int i = order.length - 1; i > 0; i--) {
      int j = rng.nextInt(i + 1);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
  }

  /** Mean loss, mean reconstruction, mean milliseconds of a step. */
  private double[] epoch(int number, Phase phase, Listener listener) {
    int[] order = catalogue(split.train.length);
    shuffle(order, new Rng(Rng.hash(seed, 1_000_003, number)));
    int size = config.batchUsers();
    int count = (order.length + size - 1) / size;
    double[] sums = new double[3];
    for (int s = 0; s < count; s++) {
      int[] batch = Arrays.copyOfRange(order, s * size, Math.min(order.length, (s + 1) * size));
      long start = System.nanoTime();
      StepStats stats = trainer.step(batch, phase);
      double millis = (System.nanoTime() - start) / 1e6;
      if (steps == stepMillis.length) {
        stepMillis = Arrays.copyOf(stepMillis, 2 * steps);
      }
      stepMillis[steps++] = millis;
      sums[0] += stats.recommendation() / count;
      sums[1] += stats.reconstruction() / count;
      sums[2] += millis / count;
      listener.step(number, s, count, stats);
    }
    return sums;
  }

  private LeaveOneOut.Result evaluate(int[][] histories, int[] targets, int[][] against) {
    return LeaveOneOut.evaluate(
        trainer.recommender(), trainer, catalogue, histories, targets, against);
  }

  private void keep() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 24);
    trainer.writeState(new DataOutputStream(bytes));
    bestState = bytes.toByteArray();
    bestRows = new byte[items.size()][];
    for (int i = 0; i < items.size(); i++) {
      bestRows[i] = items.row(i);
    }
  }

  private void restore() throws IOException {
    ItemTable table = JointTrainer.newItemTable(config);
    for (int i = 0; i < bestRows.length; i++) {
      table.readRow(i, bestRows[i]);
    }
    JointTrainer restored = new JointTrainer(config, table, users, seed);
    restored.readState(new DataInputStream(new ByteArrayInputStream(bestState)));
    items = table;
    trainer = restored;
  }

  /** The test targets, with the model as it stands: after {@link #run} that of the best epoch. */
  LeaveOneOut.Result test() {
    return evaluate(split.testHistories, split.testTargets, negatives.test());
  }

  /** The tokenizer in use; null without one. */
  Quality quality() {
    return config.hasSemantic() ? trainer.quality(trainer.inUse()) : null;
  }

  /** The model as it stands. */
  JointTrainer trainer() {
    return trainer;
  }

  /** Its items. */
  ItemTable items() {
    return items;
  }

  /** Number of the best epoch. */
  int bestEpoch() {
    return bestEpoch;
  }

  /** Steps taken. */
  int steps() {
    return steps;
  }

  /** Median time of a step, milliseconds. */
  double msPerStep() {
    double[] sorted = Arrays.copyOf(stepMillis, steps);
    Arrays.sort(sorted);
    return steps == 0 ? 0 : sorted[steps / 2];
  }
}
