package io.sidstream.cli.train;

import io.sidstream.model.train.JointConfig;

/** The options that say which model is trained; of each variant its own. */
public interface ModelOptions {
  /** Where content vectors are; null for a model that has no use for them. */
  VectorsOption vectors();

  /**
   * Checks the values that need no data.
   *
   * @throws io.sidstream.cli.UsageException where one is out of range
   */
  void check();

  /**
   * Sets what was asked for; what was not has its default.
   *
   * @param asTheJob whether the defaults are those of the job
   * @throws io.sidstream.cli.UsageException where the data does not allow a value
   */
  void apply(JointConfig.Builder builder, TrainingData data, boolean asTheJob);
}
