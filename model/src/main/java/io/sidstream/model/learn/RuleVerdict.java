package io.sidstream.model.learn;

/**
 * What a rule of the gate says of a candidate.
 *
 * @param rule its name
 * @param outcome what it says
 * @param value what was measured; NaN where nothing was
 * @param bound what it is compared with; NaN where there is nothing to compare with
 * @param text for people: what was measured, the bound and the setting, or why it was not judged
 */
public record RuleVerdict(String rule, Outcome outcome, double value, double bound, String text) {
  /** What a rule says. */
  public enum Outcome {
    /** The candidate keeps the rule. */
    PASSED,
    /** The candidate breaks the rule. */
    BROKEN,
    /** There was not enough to judge by; the candidate is not held back for that. */
    NOT_JUDGED
  }
}
