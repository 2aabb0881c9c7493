package io.sidstream.lab.train;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.train.OfflineTraining.StopOn;
import picocli.CommandLine.Option;

/** Knobs of when a leave-one-out training ends. */
final class StoppingKnobs {
  @Option(
      names = "--stop-on",
      paramLabel = "M",
      description =
          "Validation MRR that --patience looks at and whose best epoch is kept: sampled, full, or both, their geometric mean (default: both; sampled for --loss bce, which is trained for it).")
  private StopOn stopOn;

  @Option(
      names = "--learning-rate-decay",
      paramLabel = "D",
      description =
          "The learning rates are multiplied by it after each epoch, above 0 to 1 (default: 0.985; 1 for id).")
  private Double learningRateDecay;

  void check() {
    if (learningRateDecay != null && !(learningRateDecay > 0 && learningRateDecay <= 1)) {
      throw new UsageException(
          "--learning-rate-decay " + learningRateDecay + ": it must be above 0, at most 1");
    }
  }

  StopOn stopOn(StopOn otherwise) {
    return stopOn == null ? otherwise : stopOn;
  }

  double learningRateDecay(double otherwise) {
    return learningRateDecay == null ? otherwise : learningRateDecay;
  }
}
