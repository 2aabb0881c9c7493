package io.sidstream.cli.train;

import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.Variant;
import picocli.CommandLine.Mixin;

/** The options of the model of codes alone. */
public final class SemanticOptions implements ModelOptions {
  @Mixin private VectorsOption vectors;
  @Mixin private QuantizerOptions quantizer;
  @Mixin private RecommenderOptions recommender;

  @Override
  public VectorsOption vectors() {
    return vectors;
  }

  @Override
  public void check() {
    quantizer.check();
  }

  @Override
  public void apply(JointConfig.Builder builder, TrainingData data, boolean asTheJob) {
    recommender.apply(builder, asTheJob);
    quantizer.apply(builder, data);
    builder.variant(Variant.SEMANTIC).idLearningRate(recommender.learningRate());
  }
}
