package io.sidstream.model.learn;

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
  /** The same with another churn budget. */
  public GateRules withChurnBudget(double budget) {
    return new GateRules(
        enabled, minUtilisation, minAlone, maxReconstructionGrowth, maxHrDrop, budget);
  }
}
