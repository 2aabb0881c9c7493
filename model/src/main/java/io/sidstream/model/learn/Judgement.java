package io.sidstream.model.learn;

import io.sidstream.model.content.Decoder;
import io.sidstream.model.content.RqVaeConfig;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.evaluate.RankingMetrics;
import io.sidstream.model.learn.RoundResult.Level;
import io.sidstream.model.learn.RoundResult.Weights;
import io.sidstream.model.math.NotFiniteException;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.ResidualQuantizer;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.Quality;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Judges what a round came to: finds the tolerance that keeps the churn budget, measures the
 * candidate and the version in use on the same items and windows, and asks the {@link Gate}.
 *
 * <pre>{@code
 * Verdict verdict = Judgement.of(merged.weights(), merged.evaluation(), plan, inUse, round, false);
 * if (verdict.passed()) { ... verdict.tokenizer() is the next version ... }
 * }</pre>
 */
public final class Judgement {
  private static final int CHUNK = 1024;

  private final LearnPlan plan;
  private final JointConfig config;
  private final Weights weights;
  private final Evaluation evaluation;
  private final ItemTable items;
  private final TokenizerModel nearest;
  private final EncodeResult memory = new EncodeResult();

  private Judgement(Weights weights, Evaluation evaluation, LearnPlan plan) {
    this.plan = plan;
    this.config = plan.model();
    this.weights = weights;
    this.evaluation = evaluation;
    this.items = evaluation.items();
    RqVaeConfig quantizer = config.quantizerConfig();
    List<Codebook> books = new ArrayList<>();
    for (int l = 0; l < config.levels(); l++) {
      books.add(
          new Codebook(
              config.metrics().get(l),
              config.codewords(),
              config.semanticDim(),
              weights.levels().get(l).codewords()));
    }
    nearest =
        new TokenizerModel(
            quantizer.encoderDims(),
            Arrays.copyOf(weights.quantizer(), quantizer.encoderParameters()),
            new ResidualQuantizer(books),
            new float[config.levels()]);
  }

  /**
   * The verdict on a candidate.
   *
   * @param weights what the round came to, merged
   * @param evaluation what it is judged on; its table is told to draw from the sample, and is
   *     otherwise not changed
   * @param round number of the round: what draws are made by, so that both versions rank the same
   * @param first whether this is the bootstrap's candidate: every item gets its nearest codes, no
   *     tolerance is searched for, and the gate is not asked
   * @return a refusal where a rule is broken and the gate is switched on, or where a number of the
   *     model is not finite
   * @throws IllegalArgumentException for weights without codebooks, or no tokenizer in use where
   *     this is not the first
   */
  public static Verdict of(
      Weights weights,
      Evaluation evaluation,
      LearnPlan plan,
      InUse inUse,
      long round,
      boolean first) {
    if (weights.levels().size() != plan.model().levels()) {
      throw new IllegalArgumentException(
          "a candidate of round %d has %d codebooks, the plan %d levels: a round that ends in a candidate needs its quantizer initialised"
              .formatted(round, weights.levels().size(), plan.model().levels()));
    }
    if (!first && inUse.tokenizer() == null) {
      throw new IllegalArgumentException(
          "round "
              + round
              + " has no tokenizer in use to compare its candidate with; only the first has none");
    }
    try {
      weights.requireFinite();
      Judgement judgement = new Judgement(weights, evaluation, plan);
      return first ? judgement.first() : judgement.next(inUse, round);
    } catch (NotFiniteException e) {
      return new Verdict(null, null, null, Double.NaN, List.of(), e.getMessage());
    }
  }

  private Verdict first() {
    float[] f = encoderOutput();
    EncodedItems encoded = EncodedItems.candidate(nearest.quantizer(), f, items, null);
    int[] none = new int[items.size() * config.levels()];
    Arrays.fill(none, -1);
    Quality quality = quality(encoded, none);
    return new Verdict(nearest, quality, possible(), 0, List.of(), null);
  }

  private float[] encoderOutput() {
    float[] f = EncodedItems.encoderOutput(nearest, items);
    NotFiniteException.check("encoder's output", f);
    return f;
  }

  private Verdict next(InUse inUse, long round) {
    float[] f = encoderOutput();
    ChurnSearch search = search(f);
    float[] tolerance = search.within(ChurnSearch.AIMED * plan.gate().churnBudget());
    double churn = search.churn(tolerance);
    EncodedItems candidate = EncodedItems.candidate(nearest.quantizer(), f, items, tolerance);
    EncodedItems served = EncodedItems.inUse(inUse.tokenizer(), items);
    Quality quality = quality(candidate, items.codes());
    Possible possible = possible();
    List<RuleVerdict> rules =
        Gate.judge(
            plan.gate(),
            new Gate.Measures(
                quality,
                churn,
                codesOf(served, items.codes(), 0),
                inUse.reconstruction(),
                possible,
                evaluation.windows().size(),
                ranked(candidate, round),
                ranked(served, round)));
    String refusal = plan.gate().enabled() ? Gate.refusal(rules) : null;
    return new Verdict(nearest.withTolerance(tolerance), quality, possible, churn, rules, refusal);
  }

  /** The search among those of the sample that have codes. */
  private ChurnSearch search(float[] f) {
    int[] rows = Arrays.stream(evaluation.sample()).filter(items::encoded).toArray();
    BitSet old = new BitSet();
    for (int i = 0; i < rows.length; i++) {
      old.set(i, evaluation.old().get(rows[i]));
    }
    return new ChurnSearch(
        nearest.quantizer(),
        EncodedItems.gather(f, rows, config.semanticDim()),
        rows.length,
        EncodedItems.gather(items.codes(), rows, config.levels()),
        old);
  }

  private Possible possible() {
    return Possible.of(items, evaluation.sample(), config.codewords(), config.levels());
  }

  private Quality quality(EncodedItems encoded, int[] before) {
    int[] dims = config.quantizerConfig().decoderDims();
    int encoder = config.quantizerConfig().encoderParameters();
    Decoder decoder =
        new Decoder(
            dims, Arrays.copyOfRange(weights.quantizer(), encoder, weights.quantizer().length));
    int[] sample = evaluation.sample();
    double error = 0;
    for (int from = 0; from < sample.length; from += CHUNK) {
      int[] rows = Arrays.copyOfRange(sample, from, Math.min(sample.length, from + CHUNK));
      error +=
          decoder.squaredError(
              EncodedItems.gather(encoded.z(), rows, config.semanticDim()),
              EncodedItems.gather(items.content(), rows, config.contentDim()),
              rows.length,
              memory);
    }
    double reconstruction = sample.length == 0 ? 0 : error / sample.length;
    NotFiniteException.check("reconstruction error", new float[] {(float) reconstruction});
    return codesOf(encoded, before, reconstruction);
  }

  private Quality codesOf(EncodedItems encoded, int[] before, double reconstruction) {
    int[] sample = evaluation.sample();
    int levels = config.levels();
    int[] sizes = new int[levels];
    Arrays.fill(sizes, config.codewords());
    return Quality.of(
        EncodedItems.gather(encoded.codes(), sample, levels),
        EncodedItems.gather(before, sample, levels),
        sample.length,
        sizes,
        weights.levels().stream().map(Level::reseeded).toArray(BitSet[]::new),
        reconstruction);
  }

  private RankingMetrics ranked(EncodedItems encoded, long round) {
    items.drawFrom(evaluation.sample());
    SequenceRecommender recommender =
        with(weights.recommender(), new SequenceRecommender(config.recommenderShape(), new Rng(0)));
    List<Tower> beside = new ArrayList<>();
    if (weights.semanticRecommender().length > 0) {
      SequenceRecommender second = new SequenceRecommender(config.semanticShape(), new Rng(0));
      beside.add(config.semanticTower(with(weights.semanticRecommender(), second)));
    }
    return new Prequential(
            recommender,
            new ServedItems(config, items, encoded.z(), beside),
            items,
            LearnPlan.NEGATIVES)
        .evaluate(evaluation.windows(), new Rng(Rng.hash(plan.seed(), 2, round)))
        .model;
  }

  private static SequenceRecommender with(float[] parameters, SequenceRecommender recommender) {
    System.arraycopy(parameters, 0, recommender.parameters(), 0, parameters.length);
    return recommender;
  }
}
