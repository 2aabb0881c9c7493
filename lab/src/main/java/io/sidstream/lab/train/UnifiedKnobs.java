package io.sidstream.lab.train;

import io.sidstream.cli.UsageException;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.IdStart;
import picocli.CommandLine.Option;

/** Knobs of what is beside codes in the unified model. */
final class UnifiedKnobs {
  @Option(
      names = "--id-start",
      defaultValue = "ZERO",
      paramLabel = "S",
      description =
          "What a new item's ID embedding starts as: zero, random or prefix_mean (default: zero).")
  private IdStart idStart;

  @Option(
      names = "--semantic-id-dim",
      paramLabel = "N",
      description =
          "Numbers of an ID embedding, its first ones, that the second recommender reads beside z (default: 0).")
  private Integer semanticIdDim;

  @Option(
      names = "--semantic-temperature",
      paramLabel = "T",
      description =
          "What the second recommender's scores are divided by in a ranking, besides --temperature: above 1 its probabilities are flatter, and the first decides among the items that it is sure of (default: 1).")
  private Float semanticTemperature;

  void apply(JointConfig.Builder builder) {
    builder.idStart(idStart);
    if (builder.build().semanticShare() == 0) {
      ScoreKnobs.refuse("--semantic-id-dim", semanticIdDim, "without --semantic-share");
      ScoreKnobs.refuse("--semantic-temperature", semanticTemperature, "without --semantic-share");
    }
    if (semanticIdDim != null) {
      if (semanticIdDim % 2 != 0) {
        throw new UsageException(
            "--semantic-id-dim "
                + semanticIdDim
                + ": it must be even, as two attention heads share the width");
      }
      builder.semanticIdDim(semanticIdDim);
    }
    if (semanticTemperature != null) {
      builder.semanticTemperature(semanticTemperature);
    }
  }
}
