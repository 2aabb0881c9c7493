package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.evaluate.RankingMetrics;
import io.sidstream.model.learn.RuleVerdict.Outcome;
import io.sidstream.model.train.Quality;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each rule below, at and above its bound; the others pass. Values are exact in binary. */
class GateTest {
  private static final GateRules RULES = new GateRules(true, 0.5, 0.5, 0.25, 0.25, 0.0625);
  private static final Possible ALL = new Possible(1000, 1000, 1, 1, 1);

  private double utilisation = 0.9;
  private double utilisationInUse = 0.9;
  private double alone = 0.9;
  private double aloneInUse = 0.9;
  private double churn = 0.01;
  private double reconstruction = 0.4;
  private double reconstructionInUse = 0.4;
  private Possible possible = ALL;
  private int events = 64;
  private int hits = 32;
  private int hitsInUse = 32;

  private static Quality quality(double utilisation, double alone, double reconstruction) {
    double[] levels = {0.9, utilisation};
    return new Quality(
        1000, levels, levels, alone, alone, 3, reconstruction, 900, 0, levels, new long[2]);
  }

  private static RankingMetrics ranked(int events, int hits) {
    RankingMetrics ranked = new RankingMetrics();
    for (int i = 0; i < events; i++) {
      ranked.add(i < hits ? 10 : 11);
    }
    return ranked;
  }

  private List<RuleVerdict> judge() {
    return Gate.judge(
        RULES,
        new Gate.Measures(
            quality(utilisation, alone, reconstruction),
            churn,
            quality(utilisationInUse, aloneInUse, 0),
            reconstructionInUse,
            possible,
            80,
            ranked(events, hits),
            ranked(events, hitsInUse)));
  }

  @Test
  void theRulesAreKnownByName() {
    assertThat(judge())
        .extracting(RuleVerdict::rule)
        .containsExactlyElementsOf(GateRules.names(2))
        .doesNotHaveDuplicates();
  }

  private void check(int rule, double bound, boolean passes, String text) {
    List<RuleVerdict> verdicts = judge();
    for (int i = 0; i < verdicts.size(); i++) {
      assertThat(verdicts.get(i).outcome())
          .as(verdicts.get(i).text())
          .isEqualTo(i == rule && !passes ? Outcome.BROKEN : Outcome.PASSED);
    }
    assertThat(verdicts.get(rule).bound()).isEqualTo(bound);
    assertThat(verdicts.get(rule).text()).contains(text);
    assertThat(Gate.refusal(verdicts)).isEqualTo(passes ? null : verdicts.get(rule).text());
  }

  @ParameterizedTest
  @CsvSource({"0.49, false", "0.5, true", "0.51, true"})
  void utilisation(double value, boolean passes) {
    utilisation = value;
    check(1, 0.5, passes, "utilisation of level 2 is 0.%d0".formatted(Math.round(value * 100)));
  }

  /** A quarter of the codewords can be in use, so an eighth must be. */
  @ParameterizedTest
  @CsvSource({"0.124, false", "0.125, true", "0.126, true"})
  void utilisationOfWhatIsPossible(double value, boolean passes) {
    possible = new Possible(1000, 64, 0.25, 1, 1);
    utilisation = value;
    check(1, 0.125, passes, "0.500 of the 0.250 that is possible");
  }

  /** The version in use has .25, itself below .5: a candidate may fall a twentieth of it. */
  @ParameterizedTest
  @CsvSource({"0.237, false", "0.2375, true", "0.238, true"})
  void utilisationWhereTheVersionInUseIsBelow(double value, boolean passes) {
    utilisationInUse = 0.25;
    utilisation = value;
    check(1, 0.25 * 0.95, passes, "95 % of the version in use, 0.250");
  }

  @ParameterizedTest
  @CsvSource({"0.49, false", "0.5, true", "0.51, true"})
  void alone(double value, boolean passes) {
    alone = value;
    check(2, 0.5, passes, "gate.min-alone");
  }

  /** Half the items share their content with another: a quarter must be alone. */
  @ParameterizedTest
  @CsvSource({"0.24, false", "0.25, true", "0.26, true"})
  void aloneOfWhatIsPossible(double value, boolean passes) {
    possible = new Possible(1000, 700, 1, 0.5, 1);
    alone = value;
    check(2, 0.25, passes, "0.500 of the 0.500 that is possible");
  }

  @ParameterizedTest
  @CsvSource({"0.237, false", "0.2375, true", "0.238, true"})
  void aloneWhereTheVersionInUseIsBelow(double value, boolean passes) {
    aloneInUse = 0.25;
    alone = value;
    check(2, 0.25 * 0.95, passes, "95 % of the version in use, 0.250");
  }

  /** Just at the bound the version in use lowers nothing. */
  @Test
  void aVersionInUseAtTheBoundDoesNotLowerIt() {
    aloneInUse = 0.5;
    alone = 0.49;
    check(2, 0.5, false, "that is gate.min-alone");
  }

  @ParameterizedTest
  @CsvSource({"0.0624, true", "0.0625, true", "0.0626, false"})
  void churn(double value, boolean passes) {
    churn = value;
    check(3, 0.0625, passes, passes ? "quantizer.churn-budget" : "at the greatest tolerance");
  }

  @ParameterizedTest
  @CsvSource({"0.49, true", "0.5, true", "0.51, false"})
  void reconstruction(double value, boolean passes) {
    reconstruction = value;
    check(4, 0.5, passes, "gate.max-reconstruction-growth 0.250");
  }

  /** Ten times next to nothing is next to nothing. */
  @ParameterizedTest
  @CsvSource({"0.009, true", "0.01, true", "0.011, false"})
  void reconstructionThatIsNegligible(double value, boolean passes) {
    reconstructionInUse = 0.0001;
    reconstruction = value;
    check(4, 0.01, passes, "reconstruction error");
  }

  @ParameterizedTest
  @CsvSource({"23, false", "24, true", "25, true"})
  void ranking(int value, boolean passes) {
    hits = value;
    check(5, 0.375, passes, "HR@10 on 64 held-out windows");
  }

  @ParameterizedTest
  @CsvSource({"0, NOT_JUDGED", "49, NOT_JUDGED", "50, BROKEN", "51, BROKEN"})
  void tooFewWindowsAreNotJudgedAndSaidSo(int count, Outcome outcome) {
    events = count;
    hits = 0;
    hitsInUse = count;
    RuleVerdict verdict = judge().get(5);
    assertThat(verdict.outcome()).isEqualTo(outcome);
    if (outcome == Outcome.NOT_JUDGED) {
      assertThat(verdict.value()).isNaN();
      assertThat(verdict.text())
          .startsWith(
              "HR@10 is not judged: %d of 80 held-out windows can be ranked, and it takes 50"
                  .formatted(count));
      assertThat(Gate.refusal(judge())).isNull();
    }
  }

  @Test
  void aRefusalNamesEveryRuleThatIsBroken() {
    churn = 1;
    alone = 0;
    List<RuleVerdict> verdicts = judge();
    assertThat(Gate.refusal(verdicts))
        .isEqualTo(verdicts.get(2).text() + "; " + verdicts.get(3).text());
  }
}
