package io.sidstream.cli.train;

import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.train.JointConfig;
import picocli.CommandLine.Option;

/** The options that every joint model has: its recommender and how it learns. */
public final class RecommenderOptions {
  @Option(
      names = "--loss",
      defaultValue = "softmax",
      paramLabel = "L",
      description = "softmax, or bce as the paper (default: ${DEFAULT-VALUE}).")
  private JointConfig.Loss loss;

  @Option(
      names = "--dropout",
      defaultValue = "0.5",
      paramLabel = "P",
      description = "Dropout of the recommender (default: ${DEFAULT-VALUE}).")
  private float dropout;

  @Option(
      names = "--learning-rate",
      defaultValue = "0.001",
      paramLabel = "R",
      description = "Adam's learning rate (default: ${DEFAULT-VALUE}).")
  private float learningRate;

  /** Adam's learning rate. */
  float learningRate() {
    return learningRate;
  }

  void apply(JointConfig.Builder builder, boolean asTheJob) {
    builder
        .loss(loss)
        .dropout(dropout)
        .learningRate(learningRate)
        .straightThrough(StraightThrough.ROTATION)
        .logQ(asTheJob ? 0f : 1f);
  }
}
