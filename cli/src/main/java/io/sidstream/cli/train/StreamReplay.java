package io.sidstream.cli.train;

import io.sidstream.job.learn.Replay;
import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.evaluate.RankingMetrics;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.RoundKind;
import io.sidstream.model.train.Quality;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Gives a data set to the job's learner in order of time: a bootstrap on the first events, then
 * rounds, in which every event is predicted before it is learnt.
 */
final class StreamReplay implements AutoCloseable {
  /** Hears what happens. */
  interface Listener {
    /**
     * A step follows; called on the thread of the round.
     *
     * @param of what it is a step of
     * @param steps how many that has
     */
    void step(String of, int steps);

    /** A round is done, as {@link #rounds} lists it. */
    void round(Map<String, Object> told);
  }

  private final TrainingData data;
  private final LearnPlan plan;
  private final int bootstrap;
  private final Listener listener;
  private final Replay replay;
  private final BitSet arrived = new BitSet();
  private final List<Map<String, Object>> rounds = new ArrayList<>();
  private final Prequential.Result total = new Prequential.Result();
  private final StepTimes times = new StepTimes();
  private volatile String task = "bootstrap";

  /** Of the round under way; on its thread. */
  private long stepBegan;

  /**
   * A replay.
   *
   * @param bootstrap events of the bootstrap
   */
  StreamReplay(TrainingData data, LearnPlan plan, int bootstrap, Listener listener) {
    this.data = data;
    this.plan = plan;
    this.bootstrap = bootstrap;
    this.listener = listener;
    replay = new Replay(plan, this::step);
  }

  private void step(int done, int steps) {
    if (done > 0) {
      times.addSince(stepBegan);
    }
    listener.step(task, steps);
    stepBegan = System.nanoTime();
  }

  /** Replays all events. */
  void run() throws InterruptedException {
    int size = bootstrap;
    for (int from = 0; from < data.events(); size = plan.rounds().interactions()) {
      int to = from + Math.min(data.events() - from, size);
      for (int e = from; e < to; e++) {
        put(e);
      }
      int before = times.count();
      for (Replay.Told told = replay.round(true); told != null; told = replay.round(false)) {
        tell(told, before, to);
        before = times.count();
        task = "round " + (told.round() + 1);
      }
      from = to;
    }
  }

  private void put(int event) {
    int item = data.item()[event];
    String name = data.itemIds().get(item);
    if (!arrived.get(item)) {
      arrived.set(item);
      replay.item(name, data.vector(item), data.time()[event]);
    }
    replay.event(Integer.toString(data.user()[event]), name, data.time()[event]);
  }

  private void tell(Replay.Told of, int timesBefore, int to) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("round", of.round());
    RoundKind kind = plan.kind(of.round());
    told.put("phase", kind.name().toLowerCase(Locale.ROOT));
    told.put("interactions", of.figures().interactions());
    told.put("until", Instant.ofEpochMilli(data.time()[to - 1]).toString());
    told.put("steps", of.figures().steps());
    told.put("msPerStep", times.medianFrom(timesBefore));
    told.put("ms", of.ms());
    if (kind != RoundKind.BOOTSTRAP) {
      Prequential.Result ranked = of.figures().ranked();
      total.add(ranked);
      told.put("hr10", ranked.model.hr(10));
      told.put("popularityHr10", ranked.popularity.hr(10));
      told.put("newHr10", ranked.newModel.hr(10));
    }
    if (of.verdict() != null && of.verdict().quality() != null) {
      Quality quality = of.verdict().quality();
      if (kind == RoundKind.QUANTIZER) {
        told.put("churn", of.verdict().churn());
        told.put("churnPerLevel", quality.churnPerLevel());
      }
      told.put("distinctTuples", quality.distinctTuples());
      told.put("aloneInTuple", quality.aloneInTuple());
      List<String> collapses = Collapse.of(quality, plan.model().codewords());
      if (!collapses.isEmpty()) {
        told.put("collapse", collapses);
      }
    }
    if (of.refusal() != null) {
      told.put("held", of.refusal());
    }
    told.put("version", of.version());
    rounds.add(told);
    listener.round(told);
  }

  /** What each round did. */
  List<Map<String, Object>> rounds() {
    return rounds;
  }

  /** The rankings of all rounds. */
  Map<String, Object> total() {
    Map<String, Object> out = new LinkedHashMap<>();
    put(out, "model", total.model);
    put(out, "popularity", total.popularity);
    Map<String, Object> fresh = new LinkedHashMap<>();
    put(fresh, "model", total.newModel);
    put(fresh, "popularity", total.newPopularity);
    out.put("newItems", fresh);
    return out;
  }

  private static void put(Map<String, Object> to, String name, RankingMetrics metrics) {
    to.put(name, Report.metrics(metrics));
  }

  /** The model that learnt, with all items. */
  Replay.Learnt learnt() {
    return replay.learnt();
  }

  /** Times of the first shard's steps. */
  StepTimes times() {
    return times;
  }

  @Override
  public void close() {
    replay.close();
  }
}
