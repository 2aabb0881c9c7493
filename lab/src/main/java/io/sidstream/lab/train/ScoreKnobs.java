package io.sidstream.lab.train;

import io.sidstream.cli.UsageException;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.Loss;
import picocli.CommandLine.Option;

/** Knobs of the scores that a softmax compares. */
final class ScoreKnobs {
  @Option(
      names = "--negatives-shared",
      paramLabel = "N",
      description = "Uniform negatives that a batch shares under --loss softmax (default: 1024).")
  private Integer sharedNegatives;

  @Option(
      names = "--log-q",
      paramLabel = "W",
      description =
          "Share of the log of a candidate's probability to be in a batch that is taken from its score under --loss softmax, 0 to 1 (default: 1; that of the job under prequential).")
  private Float logQ;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description =
          "Scores are divided by it: under --loss softmax, and where two recommenders rank together (default: 1).")
  private Float temperature;

  void apply(JointConfig.Builder builder) {
    if (sharedNegatives != null) {
      builder.sharedNegatives(sharedNegatives);
    }
    if (logQ != null) {
      builder.logQ(logQ);
    }
    if (temperature != null) {
      builder.temperature(temperature);
    }
    JointConfig config = builder.build();
    if (config.loss() == Loss.BCE) {
      refuse("--negatives-shared", sharedNegatives, "with --loss bce");
      refuse("--log-q", logQ, "with --loss bce");
      if (config.semanticShare() == 0) {
        refuse("--temperature", temperature, "with --loss bce and one recommender");
      }
    }
  }

  /** Refuses a value that would change nothing. */
  static void refuse(String option, Object value, String where) {
    if (value != null) {
      throw new UsageException(option + " " + value + " has no effect " + where + "; leave it out");
    }
  }
}
