package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;
import io.sidstream.model.evaluate.LeaveOneOut;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.Quality;
import io.sidstream.model.train.StepStats;
import io.sidstream.model.train.UserSequences;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;

/**
 * Trains on a leave-one-out split, epoch by epoch, until validation MRR has not risen for {@code
 * patience} epochs, and goes back to the best epoch. The same arguments give the same bits.
 */
public final class OfflineTraining {
  /**
   * How the two parts are trained.
   *
   * @param epochs of the quantizer's own stage under TWO_STAGE, of the common one under
   *     JOINT_THEN_FROZEN; 0 under JOINT
   */
  public record Schedule(Kind kind, int epochs) {
    /** The kinds. */
    public enum Kind {
      /** Together. */
      JOINT,
      /** Together for some epochs; then the quantizer is frozen and the recommender goes on. */
      JOINT_THEN_FROZEN,
      /** The quantizer alone first; then it is frozen and the recommender learns. */
      TWO_STAGE
    }

    /** Together to the end. */
    public static final Schedule TOGETHER = new Schedule(Kind.JOINT, 0);

    /** The quantizer alone first. */
    public static Schedule quantizerFirst(int epochs) {
      return new Schedule(Kind.TWO_STAGE, epochs);
    }

    /** Together first. */
    public static Schedule freezeAfter(int epochs) {
      return new Schedule(Kind.JOINT_THEN_FROZEN, epochs);
    }
  }

  /** The validation figure that tells the best epoch. */
  public enum StopOn {
    /** MRR of sampled ranking. */
    SAMPLED,
    /** MRR of full ranking. */
    FULL,
    /** The geometric mean of both: a gain of a tenth counts the same in either. */
    BOTH;

    /** The figure that a loss is trained for. */
    public static StopOn suiting(JointConfig.Loss loss) {
      // BCE tells a target from uniform negatives, as sampled ranking does; full ranking stays low
      // under it, and the noise of so small an MRR would stop a training that still gains.
      return loss == JointConfig.Loss.BCE ? SAMPLED : BOTH;
    }

    double of(LeaveOneOut.Result validation) {
      double sampled = validation.sampled.mrr();
      double full = validation.full.mrr();
      if (validation.sampled.count() == 0 || validation.full.count() == 0) {
        // One of them has nothing to be ranked against, and says nothing.
        return Math.max(sampled, full);
      }
      return switch (this) {
        case SAMPLED -> sampled;
        case FULL -> full;
        case BOTH -> Math.sqrt(sampled * full);
      };
    }
  }

  /**
   * One epoch.
   *
   * @param number from 0, over both stages
   * @param phase what moved
   * @param loss mean recommendation loss of the steps; 0 in the quantizer's own stage
   * @param reconstruction mean of ‖g(z) − x‖² over the steps; 0 where the quantizer is frozen
   * @param msPerStep median time of a step
   * @param validation rankings; null in the quantizer's own stage
   * @param quality of the tokenizer; null without one
   * @param best whether it is the best so far
   */
  public record Epoch(
      int number,
      Phase phase,
      double loss,
      double reconstruction,
      double msPerStep,
      LeaveOneOut.Result validation,
      Quality quality,
      boolean best) {}

  /** Hears what happens. */
  public interface Listener {
    /**
     * A step is done.
     *
     * @param step from 0
     * @param steps of the epoch
     */
    void step(int epoch, int step, int steps, StepStats stats);

    /** An epoch is done. */
    void epoch(Epoch epoch) throws IOException;
  }

  /**
   * How far a training has come.
   *
   * @param epochs done, over both stages
   * @param stepMillis time of each step, milliseconds
   */
  record Progress(int epochs, BestEpoch best, double[] stepMillis) {}

  private final TrainingData data;
  private final LeaveOneOutSplit split;
  private final StoredNegatives negatives;
  private final JointConfig config;
  private final long seed;
  private final int[] catalogue;
  private final UserSequences users;
  private ItemTable items;
  private JointTrainer trainer;
  private final StepTimes times = new StepTimes();

  /** Of the tokenizer in use; null until it is asked for. A frozen quantizer's stays. */
  private Quality quality;

  /** Epochs done, over both stages. */
  private int done;

  private BestEpoch best = BestEpoch.NONE;

  /** The model of the best epoch; empty before there is one. */
  private Map<String, byte[]> bestModel = Map.of();

  /**
   * A training that has not begun.
   *
   * @param negatives null where the recommender is not ranked
   */
  public OfflineTraining(
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

  /** The numbers from 0 on. */
  static int[] catalogue(int items) {
    int[] catalogue = new int[items];
    Arrays.setAll(catalogue, i -> i);
    return catalogue;
  }

  /**
   * Trains, from the start or from where {@link #resume} put it.
   *
   * @param epochs most epochs that the recommender learns, those before a resume included
   * @param stopOn the validation figure whose best epoch is kept
   * @param decay what the learning rates are multiplied by after each epoch but those of the
   *     quantizer alone
   * @throws UsageException where more epochs are done already
   */
  void run(
      Schedule schedule, int epochs, int patience, StopOn stopOn, double decay, Listener listener)
      throws IOException {
    boolean twoStage = schedule.kind() == Schedule.Kind.TWO_STAGE && config.hasSemantic();
    int first = twoStage ? schedule.epochs() : 0;
    if (done - first > epochs) {
      throw new UsageException(
          "--epochs "
              + epochs
              + ": the checkpoint is that of "
              + (done - first)
              + " epochs already; ask for as many or more");
    }
    if (twoStage && done <= first) {
      quantizerAlone(first, listener);
    } else if (config.hasSemantic() && done == 0) {
      trainer.initialiseCodebooks(data.items());
    }
    while (done - first < epochs && best.since() < patience) {
      int number = done;
      boolean frozen =
          twoStage
              || (schedule.kind() == Schedule.Kind.JOINT_THEN_FROZEN
                  && number >= schedule.epochs());
      Phase phase = frozen ? Phase.RECOMMENDER : Phase.JOINT;
      double[] sums = epoch(number, phase, Math.pow(decay, number - first), listener);
      if (!frozen) {
        adopt();
      }
      LeaveOneOut.Result validation =
          evaluate(split.validationHistories, split.validationTargets, negatives.validation());
      best = best.after(number, stopOn.of(validation));
      boolean better = best.since() == 0;
      if (better) {
        bestModel = model();
      }
      listener.epoch(
          new Epoch(number, phase, sums[0], sums[1], sums[2], validation, quality(), better));
    }
    load(bestModel);
  }

  /** The quantizer's own stage; then its codes are the items'. */
  public void quantizerAlone(int epochs, Listener listener) throws IOException {
    if (done == 0) {
      trainer.initialiseCodebooks(data.items());
    }
    while (done < epochs) {
      int number = done;
      double[] sums = epoch(number, Phase.QUANTIZER_ALONE, 1, listener);
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
      quality = null;
    }
  }

  /** Mean loss, mean reconstruction, median milliseconds of a step. */
  private double[] epoch(int number, Phase phase, double rate, Listener listener) {
    int[][] batches =
        UserBatches.of(catalogue(split.train.length), config.batchUsers(), seed, number);
    int count = batches.length;
    trainer.scaleLearningRates((float) rate);
    double[] sums = new double[3];
    int before = times.count();
    for (int s = 0; s < count; s++) {
      long start = System.nanoTime();
      StepStats stats = trainer.step(batches[s], phase);
      times.addSince(start);
      sums[0] += stats.recommendation() / count;
      sums[1] += stats.reconstruction() / count;
      listener.step(number, s, count, stats);
    }
    sums[2] = times.medianFrom(before);
    done++;
    return sums;
  }

  private LeaveOneOut.Result evaluate(int[][] histories, int[] targets, int[][] against) {
    return LeaveOneOut.evaluate(
        trainer.recommender(), trainer, catalogue, histories, targets, against);
  }

  /** The model as it stands, as the sections of a file. */
  Map<String, byte[]> model() throws IOException {
    return SavedModel.sections(trainer, items, data.itemIds());
  }

  private void load(Map<String, byte[]> model) throws IOException {
    items = JointTrainer.newItemTable(config);
    SavedModel.readItems(model.get(SavedModel.ITEMS), items);
    trainer = new JointTrainer(config, items, users, seed);
    trainer.readState(new DataInputStream(new ByteArrayInputStream(model.get(SavedModel.TRAINER))));
    quality = null;
  }

  /** How far it has come; after an epoch, {@link #resume} goes on from it and the models. */
  Progress progress() {
    return new Progress(done, best, times.all());
  }

  /** The model of the best epoch, as the sections of a file; empty before there is one. */
  Map<String, byte[]> bestModel() {
    return bestModel;
  }

  /**
   * Puts back what another training with the same arguments had come to: {@link #run} then goes on
   * as that would have.
   *
   * @param model its {@link #model}
   * @param bestModel its {@link #bestModel}
   * @throws UsageException where its items have other vectors
   */
  void resume(Progress progress, Map<String, byte[]> model, Map<String, byte[]> bestModel)
      throws IOException {
    load(model);
    int used = data.items() * data.contentDim();
    int differs = Arrays.mismatch(items.content(), 0, used, data.content(), 0, used);
    if (differs >= 0) {
      throw new UsageException(
          "--vectors: item "
              + data.itemIds().get(differs / data.contentDim())
              + " has another vector than in the checkpoint; give the file it was trained with");
    }
    done = progress.epochs();
    best = progress.best();
    times.add(progress.stepMillis());
    this.bestModel = bestModel;
  }

  /** The test targets, with the model as it stands: after {@link #run} that of the best epoch. */
  LeaveOneOut.Result test() {
    return evaluate(split.testHistories, split.testTargets, negatives.test());
  }

  /** The tokenizer in use; null without one. */
  public Quality quality() {
    if (quality == null && config.hasSemantic()) {
      quality = trainer.quality(trainer.inUse());
    }
    return quality;
  }

  /** The model as it stands. */
  public JointTrainer trainer() {
    return trainer;
  }

  /** Its items. */
  public ItemTable items() {
    return items;
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
