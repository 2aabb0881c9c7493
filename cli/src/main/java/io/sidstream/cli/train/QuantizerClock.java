package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The options that say when the quantizer learns after the bootstrap, and how gently. */
public final class QuantizerClock {
  private static final int EVERY = 8;
  private static final int STEPS = 60;
  private static final double CHURN_BUDGET = 0.05;

  /** It stands still, or it has a clock. */
  static final class Choice {
    @Option(
        names = "--keep-tokens",
        required = true,
        description = "The quantizer does not learn after the bootstrap, so that no token changes.")
    private boolean keepTokens;

    @ArgGroup(exclusive = false)
    private Clock clock;
  }

  /** When, and how much may change. */
  static final class Clock {
    @Option(
        names = "--quantizer-every",
        paramLabel = "N",
        description = "Every so many rounds the quantizer learns too (default: " + EVERY + ").")
    private Integer every;

    @Option(
        names = "--quantizer-steps",
        paramLabel = "N",
        description = "Steps of such a round (default: " + STEPS + ").")
    private Integer steps;

    @Option(
        names = "--churn-budget",
        paramLabel = "B",
        description =
            "Share of old items whose token such a round may change (default: "
                + CHURN_BUDGET
                + ").")
    private Double churnBudget;
  }

  @ArgGroup private Choice choice;

  /** Every so many rounds the quantizer learns too; 0 for never. */
  int every() {
    if (choice != null && choice.keepTokens) {
      return 0;
    }
    return clock().every == null ? EVERY : clock().every;
  }

  /** Steps of a round in which it learns. */
  int steps() {
    return clock().steps == null ? STEPS : clock().steps;
  }

  /** Share of old items whose token such a round may change. */
  double churnBudget() {
    return clock().churnBudget == null ? CHURN_BUDGET : clock().churnBudget;
  }

  /** What was asked for; without anything a clock that says nothing. */
  private Clock clock() {
    return choice == null || choice.clock == null ? new Clock() : choice.clock;
  }

  void check() {
    if (choice != null && choice.clock != null) {
      Ranges.atLeast("--quantizer-every", every(), 1);
      Ranges.atLeast("--quantizer-steps", steps(), 1);
    }
    if (!(churnBudget() >= 0 && churnBudget() <= 1)) {
      throw new UsageException("--churn-budget " + churnBudget() + ": it must be in [0, 1]");
    }
  }
}
