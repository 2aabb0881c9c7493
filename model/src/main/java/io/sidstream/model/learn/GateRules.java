package io.sidstream.model.learn;

import java.util.ArrayList;
import java.util.List;

/**
 * Bounds of the gate; see {@link Gate} for the rules.
 *
 * @param enabled whether a candidate that breaks a rule is held back
 * @param minUtilisation least share of the codewords in use at every level, of those that can be
 * @param minAlone least share of items alone in their tuple, of those that can be
 * @param maxReconstructionGrowth most relative growth of the reconstruction error
 * @param maxHrDrop most relative fall of HR@10 on held-out windows
 * @param churnBudget share of old items whose token a new version may change
 */
public record GateRules(
    boolean enabled,
    double minUtilisation,
    double minAlone,
    double maxReconstructionGrowth,
    double maxHrDrop,
    double churnBudget) {
  static final String ALONE = "share of items alone in their tuple";
  static final String CHURN = "expected churn";
  static final String RECONSTRUCTION = "reconstruction error";
  static final String RANKING = "HR@10 of held-out windows";

  static String utilisation(int level) {
    return "utilisation of level " + (level + 1);
  }

  /** Names of the rules of a quantizer of some levels, as {@link RuleVerdict#rule} has them. */
  public static List<String> names(int levels) {
    List<String> names = new ArrayList<>();
    for (int level = 0; level < levels; level++) {
      names.add(utilisation(level));
    }
    names.addAll(List.of(ALONE, CHURN, RECONSTRUCTION, RANKING));
    return names;
  }

  /** The same with another churn budget. */
  public GateRules withChurnBudget(double budget) {
    return new GateRules(
        enabled, minUtilisation, minAlone, maxReconstructionGrowth, maxHrDrop, budget);
  }
}
