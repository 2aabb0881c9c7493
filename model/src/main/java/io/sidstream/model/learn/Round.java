package io.sidstream.model.learn;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.math.Rng;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.StepStats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * A round of learning, as a function: the same model, input and plan give the same bits, whatever
 * the thread and however often. New events are predicted with the model as it stands, then learnt
 * from, in batches of half what is new and half what users did at any time.
 *
 * <pre>{@code
 * Round.Outcome outcome = new Round(plan, input, steps).run(trainer);
 * }</pre>
 *
 * <p>The trainer is left as the round leaves it, or, where the round throws, somewhere in its
 * middle: who wants to go on then reads its state of before.
 */
public final class Round {
  /** Hears of each step before it is taken, and may end the round by throwing. */
  public interface Listener {
    /**
     * A step follows.
     *
     * @param done steps taken
     * @param steps steps of the round
     * @throws CancellationException to end the round
     */
    void step(int done, int steps);
  }

  /**
   * What a round came to.
   *
   * @param result for the merge
   * @param changed rows of the working set that changed: {@link WorkingSet#learned} has them
   */
  public record Outcome(RoundResult result, BitSet changed) {}

  private final LearnPlan plan;
  private final RoundInput in;
  private final RoundKind kind;
  private final Listener listener;

  /** A round that is ready to run. */
  public Round(LearnPlan plan, RoundInput in, Listener listener) {
    this.plan = plan;
    this.in = in;
    this.listener = listener;
    kind = plan.kind(in.round());
  }

  /**
   * Runs it.
   *
   * @param trainer the model as the round before left it
   * @throws CancellationException where the listener ends it
   * @throws IllegalStateException where numbers are no longer finite
   */
  public Outcome run(JointTrainer trainer) {
    WorkingSet set = in.set();
    ItemTable items = set.items();
    items.clearDirty();
    trainer.use(items);
    trainer.reseed(Rng.hash(plan.seed(), 18, in.round() * plan.shards() + in.shard()));
    Rng rng = new Rng(Rng.hash(plan.seed(), 19, in.round() * plan.shards() + in.shard()));
    new Adoption(set, in.versions().tokenizers(), in.versions().inUse()).run();
    items.drawFrom(in.pool());
    int[] idSteps = new int[set.size()];
    for (int i = 0; i < idSteps.length; i++) {
      idSteps[i] = items.idSteps(i);
    }
    boolean added = plan.shards() > 1 && kind != RoundKind.BOOTSTRAP;
    float[] starts = added ? items.id().clone() : null;
    Prequential.Result ranked = predict(trainer, rng);
    double[] losses = new double[3];
    boolean learns = in.shard() == 0 || in.round() > 1 && hasCodebooks(trainer);
    int steps = learns ? learn(trainer, rng, losses) : 0;
    RoundResult.Figures figures =
        new RoundResult.Figures(
            in.totals().items(),
            in.totals().interactions(),
            in.totals().waiting(),
            steps,
            losses[0],
            losses[1],
            losses[2],
            ranked,
            ranked.unranked);
    BitSet changed = (BitSet) items.dirty().clone();
    return new Outcome(
        new RoundResult(
            in.shard(),
            in.round(),
            figures,
            learns ? TrainerWeights.of(trainer) : null,
            embeddings(idSteps, starts),
            evaluation()),
        changed);
  }

  /**
   * Codebooks are made by the first shard, in the first round that encodes and has items; the
   * others go on from them.
   */
  private boolean hasCodebooks(JointTrainer trainer) {
    return !plan.model().hasSemantic() || trainer.quantizer().initialised();
  }

  private Prequential.Result predict(JointTrainer trainer, Rng rng) {
    if (kind == RoundKind.BOOTSTRAP) {
      return new Prequential.Result();
    }
    return new Prequential(trainer.recommender(), trainer, in.set().items(), LearnPlan.NEGATIVES)
        .evaluate(in.windows().predicted(), rng.split());
  }

  private int learn(JointTrainer trainer, Rng rng, double[] losses) {
    if (in.pool().length == 0) {
      return 0;
    }
    if (!hasCodebooks(trainer)) {
      if (!in.set().encodes()) {
        // Rows come without their content; a later round has it.
        return 0;
      }
      trainer.initialiseCodebooks(in.sample() == null ? in.pool() : in.sample().rows());
    }
    Sampler sampler =
        new Sampler(in.windows(), plan.stepOf(in.round()), plan.model().maxLen(), rng.split());
    if (sampler.available() == 0) {
      return kind == RoundKind.BOOTSTRAP ? learnContent(trainer, rng, losses) : 0;
    }
    Phase phase =
        switch (kind) {
          case BOOTSTRAP -> Phase.JOINT;
          case QUANTIZER -> Phase.QUANTIZER_SLOW;
          case RECOMMENDER -> Phase.RECOMMENDER;
        };
    int steps = plan.stepsOf(in.round(), sampler.available());
    for (int s = 0; s < steps; s++) {
      step(trainer, sampler.next(), phase, losses, s, steps);
    }
    return steps;
  }

  private void step(
      JointTrainer trainer, int[][] batch, Phase phase, double[] losses, int done, int steps) {
    listener.step(done, steps);
    StepStats stats = trainer.step(batch, phase);
    losses[0] += stats.recommendation();
    losses[1] += stats.reconstruction();
    losses[2] += stats.commitment();
  }

  /** Without a sequence to learn from, the quantizer learns from the items alone. */
  private int learnContent(JointTrainer trainer, Rng rng, double[] losses) {
    if (!plan.model().hasSemantic()) {
      return 0;
    }
    int[] rows = in.sample() == null ? in.pool() : in.sample().rows();
    int steps = plan.stepsOf(in.round(), 0);
    int length = plan.model().maxLen() + 1;
    for (int s = 0; s < steps; s++) {
      int[][] batch = new int[Math.max(1, plan.stepOf(in.round()).positions() / length)][length];
      for (int[] sequence : batch) {
        for (int t = 0; t < length; t++) {
          sequence[t] = rows[rng.nextInt(rows.length)];
        }
      }
      step(trainer, batch, Phase.QUANTIZER_ALONE, losses, s, steps);
    }
    return steps;
  }

  private List<RoundResult.Embedding> embeddings(int[] before, float[] starts) {
    List<RoundResult.Embedding> embeddings = new ArrayList<>();
    ItemTable items = in.set().items();
    int d = plan.model().hasId() ? plan.model().idDim() : 0;
    for (int i = 0; i < before.length && d > 0; i++) {
      if (items.idSteps(i) != before[i]) {
        String name = in.set().name(i);
        float[] e = Arrays.copyOfRange(items.id(), i * d, (i + 1) * d);
        // Before its first step an item has none, and starts as each shard sees fit.
        boolean begun = starts != null && before[i] > 0;
        embeddings.add(
            begun
                ? new RoundResult.Embedding(
                    name,
                    e,
                    Arrays.copyOfRange(starts, i * d, (i + 1) * d),
                    items.idSteps(i) - before[i])
                : new RoundResult.Embedding(name, e));
      }
    }
    return embeddings;
  }

  private Evaluation evaluation() {
    if (in.sample() == null || !plan.endsInCandidate(in.round())) {
      return null;
    }
    BitSet old = new BitSet();
    int[] rows = in.sample().rows();
    for (int i = 0; i < rows.length; i++) {
      if (in.sample().old().get(i)) {
        old.set(rows[i]);
      }
    }
    // Of the working set only what is judged on goes along.
    return new Evaluation(in.set().items(), rows, old, in.sample().heldOut(), in.totals().items())
        .compact();
  }
}
