package io.sidstream.model.learn;

import io.sidstream.model.evaluate.RankingMetrics;
import io.sidstream.model.learn.RuleVerdict.Outcome;
import io.sidstream.model.train.Quality;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The rules that a candidate must keep to become the next token version, in this order:
 *
 * <ol>
 *   <li>Utilisation of each level: at least {@link GateRules#minUtilisation} of what is possible.
 *   <li>Items alone in their tuple: at least {@link GateRules#minAlone} of what is possible.
 *   <li>Churn: at most {@link GateRules#churnBudget}.
 *   <li>Reconstruction error: at most {@link GateRules#maxReconstructionGrowth} beyond that of the
 *       version in use.
 *   <li>HR@10 on held-out windows: at most {@link GateRules#maxHrDrop} below that of the version in
 *       use, which ranks the same candidates.
 * </ol>
 *
 * <p>Nothing is asked that cannot be reached: the first two are measured against {@link Possible};
 * and where the version in use is itself below the bound (its catalogue may have become another
 * one), a candidate that is hardly worse than it is better than none.
 */
final class Gate {
  /** What a candidate may fall below a version in use that is below a bound, relative. */
  static final double FALL = .05;

  /** Part of the contents' spread up to which a reconstruction error is as good as none. */
  static final double NEGLIGIBLE = .01;

  /**
   * What the rules are applied to.
   *
   * @param candidate what the candidate does with the sample
   * @param churn see {@link Verdict#churn}
   * @param inUse what the version in use does with the same items
   * @param reconstructionInUse see {@link InUse#reconstruction}
   * @param possible what the sample allows
   * @param windows held-out windows
   * @param ranked how the candidate ranks those that can be
   * @param rankedInUse how the version in use does
   */
  record Measures(
      Quality candidate,
      double churn,
      Quality inUse,
      double reconstructionInUse,
      Possible possible,
      int windows,
      RankingMetrics ranked,
      RankingMetrics rankedInUse) {}

  private Gate() {}

  /** One verdict a rule. */
  static List<RuleVerdict> judge(GateRules rules, Measures m) {
    List<RuleVerdict> verdicts = new ArrayList<>();
    for (int l = 0; l < m.candidate.utilisation().length; l++) {
      verdicts.add(
          atLeast(
              GateRules.utilisation(l),
              m.candidate.utilisation()[l],
              rules.minUtilisation(),
              "gate.min-utilisation",
              m.possible.utilisation(),
              m.inUse.utilisation()[l]));
    }
    verdicts.add(
        atLeast(
            GateRules.ALONE,
            m.candidate.aloneInTuple(),
            rules.minAlone(),
            "gate.min-alone",
            m.possible.alone(),
            m.inUse.aloneInTuple()));
    verdicts.add(churn(rules, m));
    verdicts.add(reconstruction(rules, m));
    verdicts.add(ranking(rules, m));
    return verdicts;
  }

  /** Why the candidate is held back: the texts of the rules that it breaks; null for none. */
  static String refusal(List<RuleVerdict> verdicts) {
    String broken =
        verdicts.stream()
            .filter(v -> v.outcome() == Outcome.BROKEN)
            .map(RuleVerdict::text)
            .collect(Collectors.joining("; "));
    return broken.isEmpty() ? null : broken;
  }

  private static RuleVerdict atLeast(
      String what, double value, double share, String setting, double possible, double inUse) {
    double ofPossible = share * possible;
    boolean relative = inUse < ofPossible;
    double bound = relative ? inUse * (1 - FALL) : ofPossible;
    String why =
        relative
            ? text("95 %% of the version in use, %.3f, which is itself below", inUse)
            : "that is";
    return verdict(
        what,
        value,
        bound,
        value >= bound,
        text(
            "%s is %.3f, the least allowed %.3f: %s %s %.3f of the %.3f that is possible",
            what, value, bound, why, setting, share, possible));
  }

  private static RuleVerdict churn(GateRules rules, Measures m) {
    return verdict(
        GateRules.CHURN,
        m.churn,
        rules.churnBudget(),
        m.churn <= rules.churnBudget(),
        text(
            "expected churn is %.3f, the most allowed by quantizer.churn-budget %.3f%s",
            m.churn,
            rules.churnBudget(),
            m.churn <= rules.churnBudget() ? "" : ", at the greatest tolerance"));
  }

  private static RuleVerdict reconstruction(GateRules rules, Measures m) {
    double value = m.candidate.reconstruction();
    double bound =
        Math.max(
            m.reconstructionInUse * (1 + rules.maxReconstructionGrowth()),
            NEGLIGIBLE * m.possible.spread());
    return verdict(
        GateRules.RECONSTRUCTION,
        value,
        bound,
        value <= bound,
        text(
            "reconstruction error is %.4f, the most allowed %.4f: that of the version in use is %.4f, gate.max-reconstruction-growth %.3f",
            value, bound, m.reconstructionInUse, rules.maxReconstructionGrowth()));
  }

  private static RuleVerdict ranking(GateRules rules, Measures m) {
    long count = m.ranked.count();
    if (count < LearnPlan.GATE_LEAST_EVENTS) {
      return new RuleVerdict(
          GateRules.RANKING,
          Outcome.NOT_JUDGED,
          Double.NaN,
          Double.NaN,
          text(
              "HR@10 is not judged: %d of %d held-out windows can be ranked, and it takes %d; the others are too short, or no other item was known by their time",
              count, m.windows, LearnPlan.GATE_LEAST_EVENTS));
    }
    double value = m.ranked.hr(10);
    double inUse = m.rankedInUse.hr(10);
    double bound = inUse * (1 - rules.maxHrDrop());
    return verdict(
        GateRules.RANKING,
        value,
        bound,
        value >= bound,
        text(
            "HR@10 on %d held-out windows is %.3f, the least allowed %.3f: that of the version in use is %.3f, gate.max-hr-drop %.3f",
            count, value, bound, inUse, rules.maxHrDrop()));
  }

  private static RuleVerdict verdict(
      String rule, double value, double bound, boolean passed, String text) {
    return new RuleVerdict(rule, passed ? Outcome.PASSED : Outcome.BROKEN, value, bound, text);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
