package io.sidstream.cli.train;

import io.sidstream.job.config.JobOptions;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.IdStart;
import io.sidstream.model.train.JointConfig.Variant;
import org.apache.flink.configuration.ConfigOption;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of the unified model: codes and ID embeddings. */
public final class UnifiedOptions implements ModelOptions {
  /** Width of an ID embedding beside codes, as the paper. */
  private static final int ID_DIM = 8;

  @Mixin private VectorsOption vectors;
  @Mixin private QuantizerOptions quantizer;
  @Mixin private RecommenderOptions recommender;

  @Option(
      names = "--id-dim",
      paramLabel = "D",
      description = "Width of an ID embedding (default: 8; under prequential that of the job).")
  private Integer idDim;

  @Option(
      names = "--id-dropout",
      paramLabel = "P",
      description =
          "Probability that an item of a batch is shown without its ID embedding (default: that of the job).")
  private Float idDropout;

  @Option(
      names = "--id-learning-rate",
      paramLabel = "R",
      description =
          "Adam's learning rate of the ID embeddings (default: that of --learning-rate; under prequential that of the job).")
  private Float idLearningRate;

  @Option(
      names = "--semantic-dropout",
      paramLabel = "P",
      description =
          "Probability that a step is taken on ID embeddings alone, without z (default: 0; under prequential that of the job).")
  private Float semanticDropout;

  @Option(
      names = "--semantic-share",
      paramLabel = "P",
      description =
          "Share, in a ranking's probabilities, of a second recommender that reads z and is trained beside the first; 0 for none (default: 0; under prequential that of the job).")
  private Float semanticShare;

  @Override
  public VectorsOption vectors() {
    return vectors;
  }

  @Override
  public void check() {
    quantizer.check();
    if (idDim != null) {
      Ranges.even("--id-dim", idDim);
    }
  }

  @Override
  public void apply(JointConfig.Builder builder, TrainingData data, boolean asTheJob) {
    recommender.apply(builder, asTheJob);
    quantizer.apply(builder, data);
    builder
        .variant(Variant.UNIFIED)
        .idDim(idDim != null ? idDim : asTheJob ? JobOptions.ID_DIM.defaultValue() : ID_DIM)
        .idStart(IdStart.ZERO)
        .idDropout(or(idDropout, true, JobOptions.ID_DROPOUT, 0f))
        .idLearningRate(
            or(idLearningRate, asTheJob, JobOptions.ID_LEARNING_RATE, recommender.learningRate()))
        .semanticDropout(or(semanticDropout, asTheJob, JobOptions.RECOMMENDER_SEMANTIC_DROPOUT, 0f))
        .semanticShare(or(semanticShare, asTheJob, JobOptions.RECOMMENDER_SEMANTIC_SHARE, 0f));
  }

  /** What was asked for; else the job's default where it is meant to be like the job. */
  private static float or(
      Float asked, boolean asTheJob, ConfigOption<Double> job, float otherwise) {
    return asked != null ? asked : asTheJob ? job.defaultValue().floatValue() : otherwise;
  }
}
