package io.sidstream.lab.train;

import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.train.JointConfig;
import picocli.CommandLine.Option;

/** Knobs of how a quantizer learns. */
final class QuantizerKnobs {
  @Option(
      names = "--codebook-decay",
      defaultValue = "0.9",
      paramLabel = "D",
      description =
          "Decay of the codebooks' moving averages, above 0 and below 1 (default: ${DEFAULT-VALUE}).")
  private float codebookDecay;

  @Option(
      names = "--reconstruction-weight",
      defaultValue = "1",
      paramLabel = "W",
      description = "Weight of the reconstruction loss (default: ${DEFAULT-VALUE}).")
  private float reconstructionWeight;

  @Option(
      names = "--commitment-weight",
      defaultValue = "1",
      paramLabel = "W",
      description = "Weight of the commitment losses (default: ${DEFAULT-VALUE}).")
  private float commitmentWeight;

  @Option(
      names = "--straight-through",
      defaultValue = "ROTATION",
      paramLabel = "S",
      description =
          "How the gradient of z passes the quantizer: rotation, per_level or single (default: rotation).")
  private StraightThrough straightThrough;

  void apply(JointConfig.Builder builder) {
    builder
        .codebookDecay(codebookDecay)
        .reconstructionWeight(reconstructionWeight)
        .commitmentWeight(commitmentWeight)
        .straightThrough(straightThrough);
  }
}
