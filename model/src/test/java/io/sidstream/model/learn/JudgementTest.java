package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.learn.RoundResult.Weights;
import io.sidstream.model.learn.RuleVerdict.Outcome;
import io.sidstream.model.math.Rng;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.Quality;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JudgementTest {
  private static final long ROUND = 12;

  /** Of all tests; one that changes it puts it back, or makes its own. */
  private final LearntCatalogue c = new LearntCatalogue().steps(60, Phase.JOINT);

  private final InUse inUse = moved(c);

  /** Moves the quantizer away from a version in use, and returns that version. */
  private static InUse moved(LearntCatalogue c) {
    TokenizerModel tokenizer = c.adopt();
    double reconstruction = c.trainer.quality(tokenizer).reconstruction();
    c.steps(15, Phase.QUANTIZER_SLOW);
    return new InUse(tokenizer, reconstruction);
  }

  private Verdict judge(InUse against, GateRules rules) {
    Weights weights = TrainerWeights.of(c.trainer);
    return Judgement.of(weights, c.evaluation(200), c.plan(rules), against, ROUND, false);
  }

  @Test
  void theFirstGetsItsNearestCodesAndIsNotJudged() {
    LearntCatalogue own = new LearntCatalogue().steps(5, Phase.JOINT);
    GateRules impossible = new GateRules(true, 1, 1, 0, 0, 0);
    Verdict verdict =
        Judgement.of(
            TrainerWeights.of(own.trainer),
            own.evaluation(0),
            own.plan(impossible),
            new InUse(null, 0),
            1,
            true);
    assertThat(verdict.passed()).isTrue();
    assertThat(verdict.rules()).isEmpty();
    assertThat(verdict.churn()).isZero();
    TokenizerModel nearest = own.trainer.candidate(new float[3]);
    assertThat(verdict.tokenizer().digest()).isEqualTo(nearest.digest());
    sameCodes(verdict.quality(), own.trainer.quality(nearest));
    // Served are the nearest, which is what the trainer measures.
    assertThat(verdict.reconstruction())
        .isCloseTo(own.trainer.quality(nearest).reconstruction(), within(1e-5));
    assertThat(verdict.possible().contents()).isEqualTo(LearntCatalogue.ITEMS);
  }

  private static void sameCodes(Quality quality, Quality expected) {
    assertThat(quality)
        .usingRecursiveComparison()
        .ignoringFields("reconstruction")
        .isEqualTo(expected);
  }

  @Test
  void theNextIsTheTrainersWithinTheBudget() {
    Verdict verdict = judge(inUse, LearntCatalogue.rules(0.1));
    TokenizerModel expected =
        c.trainer.candidateWithin(.9 * 0.1, 200, new float[] {.1f, .1f, .1f}, 40f, 20_000);
    assertThat(verdict.tokenizer().digest()).isEqualTo(expected.digest());
    sameCodes(verdict.quality(), c.trainer.quality(expected));
    assertThat(verdict.churn()).isPositive().isLessThanOrEqualTo(.9 * 0.1);
    assertThat(verdict.quality().churn()).isLessThanOrEqualTo(verdict.churn());
    assertThat(verdict.rules()).hasSize(3 + 4);
  }

  /** Both versions rank the same candidates; the version in use as the trainer serves it. */
  @Test
  void rankingIsThatOfWhatIsServed() {
    LearntCatalogue own = new LearntCatalogue().steps(20, Phase.JOINT);
    InUse version = moved(own);
    Evaluation evaluation = own.evaluation(200);
    Verdict verdict =
        Judgement.of(
            TrainerWeights.of(own.trainer),
            evaluation,
            own.plan(LearntCatalogue.rules(0.1)),
            version,
            ROUND,
            false);
    RuleVerdict rule = verdict.rules().get(6);
    assertThat(rule.outcome()).isNotEqualTo(Outcome.NOT_JUDGED);
    assertThat(rule.bound()).isEqualTo(served(own, evaluation) * (1 - 0.1));
    own.trainer.adopt(verdict.tokenizer());
    assertThat(rule.value()).isEqualTo(served(own, evaluation)).isPositive();
  }

  private static double served(LearntCatalogue c, Evaluation evaluation) {
    ItemTable items = c.catalogue.items;
    return new Prequential(c.trainer.recommender(), c.trainer, items, LearnPlan.NEGATIVES)
        .evaluate(evaluation.windows(), new Rng(Rng.hash(7, 2, ROUND)))
        .model
        .hr(10);
  }

  @Test
  void anotherRoundDrawsOtherCandidatesAndTheSameRoundTheSame() {
    Weights weights = TrainerWeights.of(c.trainer);
    LearnPlan plan = c.plan(LearntCatalogue.rules(0.1));
    Verdict first = Judgement.of(weights, c.evaluation(200), plan, inUse, ROUND, false);
    Verdict again = Judgement.of(weights, c.evaluation(200), plan, inUse, ROUND, false);
    assertThat(again).usingRecursiveComparison().isEqualTo(first);
    List<Double> values =
        List.of(13L, 14L, 15L, 16L).stream()
            .map(r -> Judgement.of(weights, c.evaluation(200), plan, inUse, r, false))
            .map(v -> v.rules().get(6).value())
            .toList();
    assertThat(values).anyMatch(v -> v != first.rules().get(6).value());
  }

  @Test
  void aBrokenRuleHoldsTheCandidateUnlessTheGateIsOff() {
    InUse inUse = new InUse(this.inUse.tokenizer(), 1e-9);
    Verdict held = judge(inUse, new GateRules(true, 0, 0, 0, 1, 0.1));
    assertThat(held.passed()).isFalse();
    assertThat(held.refusal()).startsWith("reconstruction error is");
    assertThat(held.tokenizer()).isNotNull();
    Verdict off = judge(inUse, new GateRules(false, 0, 0, 0, 1, 0.1));
    assertThat(off.passed()).isTrue();
    assertThat(off.rules().get(5).outcome()).isEqualTo(Outcome.BROKEN);
  }

  /** Codebooks of one codeword: what a collapse is, and what new items see of it. */
  @Test
  void aCollapsedCandidateIsHeld() {
    int[] had = c.catalogue.items.codes().clone();
    Arrays.fill(c.catalogue.items.codes(), -1);
    Weights weights = TrainerWeights.of(c.trainer);
    for (RoundResult.Level level : weights.levels()) {
      for (int k = 1; k < 16; k++) {
        System.arraycopy(level.codewords(), 0, level.codewords(), k * 12, 12);
      }
    }
    Verdict verdict =
        Judgement.of(
            weights, c.evaluation(200), c.plan(LearntCatalogue.rules(1)), inUse, ROUND, false);
    System.arraycopy(had, 0, c.catalogue.items.codes(), 0, had.length);
    assertThat(verdict.refusal())
        .contains("utilisation of level 1")
        .contains("utilisation of level 2")
        .contains("utilisation of level 3")
        .contains("alone in their tuple");
  }

  @Test
  void numbersThatAreNotFiniteAreTheReason() {
    for (boolean enabled : new boolean[] {true, false}) {
      Weights weights = TrainerWeights.of(c.trainer);
      weights.semanticRecommender()[5] = Float.NaN;
      Verdict verdict =
          Judgement.of(
              weights,
              c.evaluation(200),
              c.plan(new GateRules(enabled, 0, 0, 1, 1, 1)),
              inUse,
              ROUND,
              false);
      assertThat(verdict.refusal()).startsWith("number 5 of the second recommender is NaN");
      assertThat(verdict.tokenizer()).isNull();
    }
    Weights large = TrainerWeights.of(c.trainer);
    Arrays.fill(large.quantizer(), 1e30f);
    assertThat(
            Judgement.of(
                    large, c.evaluation(200), c.plan(LearntCatalogue.rules(1)), inUse, ROUND, false)
                .refusal())
        .contains("encoder's output is")
        .contains("lower the learning rate");
  }

  @Test
  void everyOtherErrorIsAnError() {
    Weights w = TrainerWeights.of(c.trainer);
    LearnPlan plan = c.plan(LearntCatalogue.rules(1));
    Weights none = new Weights(w.recommender(), w.semanticRecommender(), w.quantizer(), List.of());
    assertThatThrownBy(() -> Judgement.of(none, c.evaluation(9), plan, inUse, ROUND, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a candidate of round 12 has 0 codebooks, the plan 3 levels");
    InUse nothing = new InUse(null, 0);
    assertThatThrownBy(() -> Judgement.of(w, c.evaluation(9), plan, nothing, ROUND, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no tokenizer in use");
    Weights cut =
        new Weights(
            w.recommender(), w.semanticRecommender(), Arrays.copyOf(w.quantizer(), 50), w.levels());
    assertThatThrownBy(() -> Judgement.of(cut, c.evaluation(9), plan, inUse, ROUND, false))
        .isInstanceOf(RuntimeException.class);
  }

  @Test
  void anItemWithoutCodesIsNewAndIsServedItsNearestByTheVersionInUse() {
    ItemTable items = c.catalogue.items;
    int[] had = Arrays.copyOf(items.codes(), 3);
    Arrays.fill(items.codes(), 0, 3, -1);
    EncodedItems served = EncodedItems.inUse(inUse.tokenizer(), items);
    assertThat(Arrays.copyOf(served.codes(), 3)).isEqualTo(had);
    assertThat(Arrays.copyOf(served.z(), 12 * LearntCatalogue.ITEMS))
        .isEqualTo(Arrays.copyOf(items.semantic(), 12 * LearntCatalogue.ITEMS));
    Verdict verdict = judge(inUse, LearntCatalogue.rules(0.1));
    assertThat(verdict.quality().oldItems()).isEqualTo(LearntCatalogue.ITEMS - 1);
    assertThat(items.encoded(0)).isFalse();
    System.arraycopy(had, 0, items.codes(), 0, 3);
  }
}
