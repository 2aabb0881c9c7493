package io.sidstream.cli.train;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.evaluate.RankingMetrics;
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
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Replays a data set in order of time, as the job learns: a bootstrap on the first events, then
 * rounds, in which every event is predicted before it is learnt. Beside the model that learns stand
 * popularity, the model frozen after the bootstrap and, if wanted, one that is trained from scratch
 * for each round on all that came before it. All predict the same events among the same candidates.
 */
final class StreamReplay {
  private static final int NEGATIVES = 99;

  /** Not the seed of training. */
  private static final long EVALUATION_SEED = 20_250_217L;

  /** Where the search for the tolerance that keeps the churn budget starts, at every level. */
  private static final float BASE_TOLERANCE = 0.1f;

  private static final float MOST_TOLERANCE_FACTOR = 64f;
  private static final int CHURN_SAMPLE = 4096;

  /**
   * The two clocks.
   *
   * @param bootstrap events of the bootstrap
   * @param bootstrapSteps steps of the bootstrap, and of a training from scratch
   * @param round events of a round
   * @param roundSteps steps of a round
   * @param quantizerEvery every so many rounds the quantizer learns too; 0 for never
   * @param churnBudget share of old items whose token such a round may change
   * @param retrain whether a model is trained from scratch for each round
   */
  record Plan(
      int bootstrap,
      int bootstrapSteps,
      int round,
      int roundSteps,
      int quantizerEvery,
      double churnBudget,
      boolean retrain) {}

  /** Hears what happens. */
  interface Listener {
    /**
     * A step is done.
     *
     * @param of what it is a step of
     * @param steps how many that has
     */
    void step(String of, int steps, StepStats stats);

    /** A round is done, as {@link #rounds} lists it. */
    void round(Map<String, Object> told);
  }

  /** A model with the items that it knows. */
  private final class Contender {
    final ItemTable items = JointTrainer.newItemTable(config);
    final JointTrainer trainer = new JointTrainer(config, items, users, seed);
    final Prequential prequential =
        new Prequential(trainer.recommender(), trainer, items, NEGATIVES);

    void arrive(int event) {
      int item = data.item()[event];
      if (!items.known(item)) {
        items.put(item, data.vector(item), data.time()[event]);
      }
    }

    void count(int event) {
      items.countInteraction(data.item()[event]);
    }

    /** Learns everything from the users so far. */
    void bootstrap(String name) {
      if (config.hasSemantic()) {
        trainer.initialiseCodebooks(items.knownCount());
      }
      Rng draws = new Rng(Rng.hash(seed, 11, items.knownCount()));
      for (int s = 0; s < plan.bootstrapSteps; s++) {
        step(this, batch(new int[0], draws), Phase.JOINT, name, plan.bootstrapSteps);
      }
      if (config.hasSemantic()) {
        trainer.adopt(trainer.candidate(new float[config.levels()]));
      }
    }
  }

  private final TrainingData data;
  private final JointConfig config;
  private final Plan plan;
  private final long seed;
  private final UserSequences users;
  private final Rng rng;
  private final Map<YearMonth, Map<String, Prequential.Result>> months = new TreeMap<>();
  private final List<Map<String, Object>> rounds = new ArrayList<>();
  private final Contender live;
  private Contender frozen;
  private Contender retrained;
  private final StepTimes times = new StepTimes();
  private Listener listener;

  StreamReplay(TrainingData data, JointConfig config, Plan plan, long seed) {
    this.data = data;
    this.config = config;
    this.plan = plan;
    this.seed = seed;
    users = new UserSequences(config.maxLen() + 1);
    rng = new Rng(Rng.hash(seed, 12, 0));
    live = new Contender();
  }

  /** Replays all events. */
  void run(Listener toTell) throws IOException {
    listener = toTell;
    for (int from = 0, round = 0; from < data.events(); round++) {
      int most = round == 0 ? plan.bootstrap : plan.round;
      int to = from + Math.min(data.events() - from, most);
      Map<Integer, Integer> active = new LinkedHashMap<>();
      Prequential.Result ranked = predict(from, to, round > 0, active);
      Map<String, Object> told = learn(round, active.keySet());
      told.put("events", to - from);
      told.put("until", Instant.ofEpochMilli(data.time()[to - 1]).toString());
      if (round > 0) {
        told.put("hr10", ranked.model.hr(10));
        told.put("popularityHr10", ranked.popularity.hr(10));
        told.put("newHr10", ranked.newModel.hr(10));
      }
      rounds.add(told);
      listener.round(told);
      if (round == 0) {
        frozen = copy(live);
      }
      if (plan.retrain && to < data.events()) {
        retrained = fromScratch(to);
      }
      from = to;
    }
  }

  /**
   * Takes events in, each predicted first, month by month and no more of a user at once than a
   * window can tell; what the learning model ranked.
   */
  private Prequential.Result predict(
      int from, int to, boolean predicted, Map<Integer, Integer> active) {
    Prequential.Result all = new Prequential.Result();
    for (int at = from; at < to; ) {
      int most = predicted ? endOfMonth(at, to) : to;
      Map<Integer, Integer> fresh = new LinkedHashMap<>();
      int end = at;
      for (int e = at; e < most; e++) {
        if (predicted && fresh.getOrDefault(data.user()[e], 0) == config.maxLen()) {
          break;
        }
        for (Contender c : contenders().values()) {
          c.arrive(e);
        }
        users.append(data.user()[e], data.item()[e], data.time()[e]);
        fresh.merge(data.user()[e], 1, Integer::sum);
        end = e + 1;
      }
      if (predicted) {
        List<Prequential.Window> windows = new ArrayList<>();
        fresh.forEach(
            (u, n) -> windows.add(new Prequential.Window(users.items(u), users.times(u), n)));
        Map<String, Prequential.Result> month =
            months.computeIfAbsent(month(at), m -> new LinkedHashMap<>());
        long draws = Rng.hash(EVALUATION_SEED, 0, at);
        contenders()
            .forEach(
                (name, c) -> {
                  Prequential.Result result = c.prequential.evaluate(windows, new Rng(draws));
                  month.computeIfAbsent(name, n -> new Prequential.Result()).add(result);
                  if (c == live) {
                    all.add(result);
                  }
                });
      }
      for (int e = at; e < end; e++) {
        for (Contender c : contenders().values()) {
          c.count(e);
        }
      }
      fresh.forEach((u, n) -> active.merge(u, n, Integer::sum));
      at = end;
    }
    return all;
  }

  private Map<String, Contender> contenders() {
    Map<String, Contender> all = new LinkedHashMap<>();
    all.put("model", live);
    if (frozen != null) {
      all.put("frozen", frozen);
    }
    if (retrained != null) {
      all.put("retrained", retrained);
    }
    return all;
  }

  private YearMonth month(int event) {
    return YearMonth.from(Instant.ofEpochMilli(data.time()[event]).atOffset(ZoneOffset.UTC));
  }

  private int endOfMonth(int from, int to) {
    long next =
        month(from).plusMonths(1).atDay(1).atStartOfDay().toInstant(ZoneOffset.UTC).toEpochMilli();
    int end = from;
    while (end < to && data.time()[end] < next) {
      end++;
    }
    return end;
  }

  private Map<String, Object> learn(int round, Iterable<Integer> active) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("round", round);
    int before = times.count();
    boolean quantizer =
        round > 0
            && config.hasSemantic()
            && plan.quantizerEvery > 0
            && round % plan.quantizerEvery == 0;
    if (round == 0) {
      live.bootstrap("bootstrap");
    } else {
      List<Integer> list = new ArrayList<>();
      active.forEach(list::add);
      int[] recent = list.stream().mapToInt(Integer::intValue).toArray();
      for (int s = 0; s < plan.roundSteps; s++) {
        Phase phase = quantizer ? Phase.QUANTIZER_SLOW : Phase.RECOMMENDER;
        step(live, batch(recent, rng), phase, "round " + round, plan.roundSteps);
      }
    }
    told.put("phase", round == 0 ? "bootstrap" : quantizer ? "quantizer" : "recommender");
    told.put("msPerStep", times.medianFrom(before));
    if (round == 0 && config.hasSemantic()) {
      tellCollapse(told, live.trainer.quality(live.trainer.inUse()));
    }
    if (quantizer) {
      float[] base = new float[config.levels()];
      Arrays.fill(base, BASE_TOLERANCE);
      var tokenizer =
          live.trainer.candidateWithin(
              plan.churnBudget, 0, base, MOST_TOLERANCE_FACTOR, CHURN_SAMPLE);
      Quality quality = live.trainer.quality(tokenizer);
      live.trainer.adopt(tokenizer);
      told.put("churn", quality.churn());
      told.put("churnPerLevel", quality.churnPerLevel());
      told.put("distinctTuples", quality.distinctTuples());
      told.put("aloneInTuple", quality.aloneInTuple());
      tellCollapse(told, quality);
    }
    return told;
  }

  private void tellCollapse(Map<String, Object> told, Quality quality) {
    List<String> collapses = Collapse.of(quality, config.codewords());
    if (!collapses.isEmpty()) {
      told.put("collapse", collapses);
    }
  }

  private void step(Contender c, int[] batch, Phase phase, String of, int steps) {
    long start = System.nanoTime();
    StepStats stats = c.trainer.step(batch, phase);
    if (c == live) {
      times.addSince(start);
    }
    listener.step(of, steps, stats);
  }

  /** Half of the batch are users of the round, half are users of any time; all distinct. */
  private int[] batch(int[] recent, Rng draws) {
    int size = Math.min(config.batchUsers(), users.size());
    int[] batch = new int[size];
    BitSet taken = new BitSet();
    int n = 0;
    for (int tries = 0; n < size && tries < 12 * size; tries++) {
      boolean ofRound = recent.length > 0 && n < size / 2 && tries < 4 * size;
      int user = ofRound ? recent[draws.nextInt(recent.length)] : draws.nextInt(users.size());
      if (!taken.get(user)) {
        taken.set(user);
        batch[n++] = user;
      }
    }
    return Arrays.copyOf(batch, n);
  }

  private Contender copy(Contender of) throws IOException {
    Contender copy = new Contender();
    for (int i = 0; i < of.items.size(); i++) {
      copy.items.readRow(i, of.items.row(i));
    }
    ByteArrayOutputStream state = new ByteArrayOutputStream(1 << 20);
    of.trainer.writeState(new DataOutputStream(state));
    copy.trainer.readState(new DataInputStream(new ByteArrayInputStream(state.toByteArray())));
    return copy;
  }

  private Contender fromScratch(int events) {
    Contender fresh = new Contender();
    for (int e = 0; e < events; e++) {
      fresh.arrive(e);
      fresh.count(e);
    }
    fresh.bootstrap("from scratch");
    return fresh;
  }

  /** What each round did. */
  List<Map<String, Object>> rounds() {
    return rounds;
  }

  /** The rankings of each month, in order. */
  List<Map<String, Object>> months() {
    List<Map<String, Object>> out = new ArrayList<>();
    months.forEach(
        (month, results) -> {
          Map<String, Object> one = new LinkedHashMap<>();
          one.put("month", month.toString());
          one.putAll(report(results));
          out.add(one);
        });
    return out;
  }

  /** The rankings of all months. */
  Map<String, Object> total() {
    Map<String, Prequential.Result> total = new LinkedHashMap<>();
    months
        .values()
        .forEach(
            month ->
                month.forEach(
                    (name, result) ->
                        total.computeIfAbsent(name, n -> new Prequential.Result()).add(result)));
    return report(total);
  }

  private static Map<String, Object> report(Map<String, Prequential.Result> results) {
    Map<String, Object> out = new LinkedHashMap<>();
    Map<String, Object> fresh = new LinkedHashMap<>();
    results.forEach(
        (name, result) -> {
          put(out, name, result.model);
          put(fresh, name, result.newModel);
          if (name.equals("model")) {
            put(out, "popularity", result.popularity);
            put(fresh, "popularity", result.newPopularity);
          }
        });
    out.put("newItems", fresh);
    return out;
  }

  private static void put(Map<String, Object> to, String name, RankingMetrics metrics) {
    to.put(name, Report.metrics(metrics));
  }

  /** The model that learns. */
  JointTrainer trainer() {
    return live.trainer;
  }

  /** Its items. */
  ItemTable items() {
    return live.items;
  }

  /** Times of its steps. */
  StepTimes times() {
    return times;
  }
}
