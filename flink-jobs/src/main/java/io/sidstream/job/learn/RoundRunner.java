package io.sidstream.job.learn;

import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.MergedRound;
import io.sidstream.model.learn.Round;
import io.sidstream.model.learn.RoundInput;
import io.sidstream.model.learn.RoundKind;
import io.sidstream.model.learn.RoundResult;
import io.sidstream.model.learn.ShardRound;
import io.sidstream.model.learn.TrainerWeights;
import io.sidstream.model.learn.WorkingSet;
import io.sidstream.model.math.NotFiniteException;
import io.sidstream.model.math.Threads;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.UserSequences;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a shard's rounds on a thread of their own, and has its model. Between rounds it belongs to
 * the operator's thread; during one nobody else touches the model.
 */
final class RoundRunner {
  /**
   * What a round came to.
   *
   * @param set the rows that it worked on
   * @param changed those that changed
   * @param model state of the model after it; null where the round failed
   * @param result for the merge
   */
  record Computed(WorkingSet set, BitSet changed, byte[] model, RoundPieces result) {}

  /** Hears on the round's thread where its time goes. */
  interface Times {
    /** Whom nobody tells. */
    Times NOBODY =
        new Times() {
          @Override
          public void step(long ns) {}

          @Override
          public void worked(long from, long to) {}
        };

    /** So long a step took, any but a round's last, without the pause after it, ns. */
    void step(long ns);

    /** The round was computed from then to then without a pause, as System.nanoTime has it. */
    void worked(long from, long to);
  }

  private static final Logger LOG = LoggerFactory.getLogger(RoundRunner.class);

  private final LearnPlan plan;
  private final int shard;
  private final double duty;
  private final ExecutorService threads;
  private final Round.Listener heard;
  private final Times times;
  private final Runnable done;

  private JointTrainer trainer;
  private Future<?> running;
  private volatile Computed computed;
  private volatile Throwable failure;
  private volatile boolean closed;
  private volatile int stepsDone;
  private volatile int steps;
  private long workBegan;

  /**
   * A runner.
   *
   * @param duty share of a processor's time that rounds may take, but for the bootstrap
   * @param threads where rounds run
   * @param heard called on the round's thread before each step
   * @param times told on the round's thread where its time goes
   * @param done called on the round's thread when it has ended
   */
  RoundRunner(
      LearnPlan plan,
      int shard,
      double duty,
      ExecutorService threads,
      Round.Listener heard,
      Times times,
      Runnable done) {
    this.plan = plan;
    this.shard = shard;
    this.duty = duty;
    this.threads = threads;
    this.heard = heard;
    this.times = times;
    this.done = done;
    trainer = fresh();
  }

  private JointTrainer fresh() {
    return new JointTrainer(
        plan.model(),
        JointTrainer.newItemTable(plan.model()),
        new UserSequences(plan.model().maxLen() + 1),
        plan.seed());
  }

  /** Replaces the model by a state of it; by that of a beginning where there are no bytes. */
  void restore(byte[] state) {
    trainer = fresh();
    if (state.length == 0) {
      return;
    }
    try {
      trainer.readState(new DataInputStream(new ByteArrayInputStream(state)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] state() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 22);
    try {
      trainer.writeState(new DataOutputStream(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** The model; between rounds only. */
  JointTrainer trainer() {
    return trainer;
  }

  boolean running() {
    return running != null && computed == null && failure == null;
  }

  /** Steps of the round under way: taken, and all. */
  int[] steps() {
    return new int[] {stepsDone, steps};
  }

  /**
   * Starts a round.
   *
   * @param gone items whose embeddings readers are to forget
   */
  void start(RoundInput input, List<String> gone) {
    computed = null;
    failure = null;
    running =
        threads.submit(
            () -> {
              try {
                computed = compute(input, gone);
              } catch (CancellationException e) {
                // The operator closes.
                return;
              } catch (Throwable e) {
                failure = e;
              }
              stepsDone = 0;
              steps = 0;
              done.run();
            });
  }

  private Computed compute(RoundInput input, List<String> gone) {
    boolean bootstrap = plan.kind(input.round()) == RoundKind.BOOTSTRAP;
    double share = bootstrap ? 1 : duty;
    Round round = new Round(plan, input, (taken, all) -> beforeStep(taken, all, share));
    workBegan = System.nanoTime();
    try {
      return compute(input, gone, round, bootstrap);
    } finally {
      times.worked(workBegan, System.nanoTime());
    }
  }

  private Computed compute(RoundInput input, List<String> gone, Round round, boolean bootstrap) {
    List<RoundResult.Embedding> first = new ArrayList<>();
    gone.forEach(item -> first.add(new RoundResult.Embedding(item, null)));
    Round.Outcome outcome;
    try {
      // Nothing else can be done before there is a model, so all processors share its making.
      outcome =
          bootstrap
              ? Threads.with(Runtime.getRuntime().availableProcessors(), () -> round.run(trainer))
              : round.run(trainer);
    } catch (CancellationException e) {
      throw e;
    } catch (RuntimeException e) {
      // Tokens need none of it. What is not foreseen is told as what it is.
      boolean foreseen = e instanceof NotFiniteException;
      if (!foreseen) {
        LOG.error(
            "Round {} of shard {} ended in an error of the program; the model stays as it was",
            input.round(),
            shard,
            e);
      }
      ShardRound failed =
          ShardRound.failed(
              input,
              first,
              foreseen ? e.getMessage() : "an error of the program, please report: " + e);
      return new Computed(input.set(), new BitSet(), null, pieces(failed));
    }
    RoundResult result = outcome.result();
    first.addAll(result.embeddings());
    ShardRound sent =
        new ShardRound(
            new RoundResult(
                result.shard(),
                result.round(),
                result.figures(),
                result.weights(),
                first,
                result.evaluation()),
            null);
    return new Computed(input.set(), outcome.changed(), state(), pieces(sent));
  }

  private RoundPieces pieces(ShardRound round) {
    return new RoundPieces(shard, round.result().round(), round.toBytes());
  }

  private void beforeStep(int taken, int all, double share) {
    long now = System.nanoTime();
    times.worked(workBegan, now);
    long took = now - workBegan;
    workBegan = now;
    if (taken > 0) {
      times.step(took);
      rest(Math.round(took * (1 - share) / share));
    }
    stepsDone = taken;
    steps = all;
    if (closed || Thread.currentThread().isInterrupted()) {
      throw new CancellationException();
    }
    heard.step(taken, all);
    workBegan = System.nanoTime();
  }

  private static void rest(long ns) {
    try {
      TimeUnit.NANOSECONDS.sleep(ns);
    } catch (InterruptedException e) {
      throw new CancellationException();
    }
  }

  /**
   * The result of a round that has ended; null where none has.
   *
   * @throws IllegalStateException with what the round threw
   */
  Computed take() {
    if (failure != null) {
      throw new IllegalStateException("a round of shard " + shard + " failed", failure);
    }
    Computed result = computed;
    computed = null;
    running = null;
    return result;
  }

  /** Goes on from what the merge made of a round; the state of the model then. */
  byte[] adopt(MergedRound merged) {
    if (merged.weights() != null) {
      TrainerWeights.take(trainer, merged.weights());
    }
    if (merged.tokenizer() != null) {
      trainer.forgetReseeded();
    }
    return state();
  }

  /** Ends the round under way at its next step. */
  void close() {
    closed = true;
    if (running != null) {
      running.cancel(true);
    }
  }
}
