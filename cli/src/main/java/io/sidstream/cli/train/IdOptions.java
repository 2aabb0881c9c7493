package io.sidstream.cli.train;

import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.IdStart;
import io.sidstream.model.train.JointConfig.Variant;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of the model of ID embeddings alone. */
public final class IdOptions implements ModelOptions {
  @Mixin private RecommenderOptions recommender;

  @Option(
      names = "--id-dim",
      defaultValue = "" + Report.ID_ONLY_DIM,
      paramLabel = "D",
      description = "Width of an ID embedding (default: ${DEFAULT-VALUE}).")
  private int idDim;

  @Override
  public VectorsOption vectors() {
    return null;
  }

  @Override
  public void check() {
    Ranges.even("--id-dim", idDim);
  }

  @Override
  public void apply(JointConfig.Builder builder, TrainingData data, boolean asTheJob) {
    recommender.apply(builder, asTheJob);
    builder
        .contentDim(data.contentDim())
        .variant(Variant.ID)
        .idDim(idDim)
        .idStart(IdStart.RANDOM)
        .idLearningRate(recommender.learningRate());
  }
}
