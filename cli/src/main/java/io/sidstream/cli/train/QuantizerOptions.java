package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.train.JointConfig;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that say what a quantizer is like. */
public final class QuantizerOptions {
  /** How levels measure distance. */
  enum Distance {
    /** Cosine, the last level Euclidean. */
    HYBRID,
    /** Cosine at every level. */
    COSINE,
    /** Euclidean at every level. */
    EUCLIDEAN
  }

  @Option(
      names = "--distance",
      defaultValue = "hybrid",
      paramLabel = "D",
      description = "hybrid, cosine or euclidean (default: ${DEFAULT-VALUE}).")
  private Distance distance;

  @Option(
      names = "--levels",
      defaultValue = "3",
      paramLabel = "L",
      description = "Levels of the quantizer (default: ${DEFAULT-VALUE}).")
  private int levels;

  @Option(
      names = "--codebook",
      defaultValue = "256",
      paramLabel = "K",
      description = "Codewords of a level (default: ${DEFAULT-VALUE}).")
  private int codebook;

  /**
   * Checks the values.
   *
   * @throws UsageException where one is out of range
   */
  public void check() {
    Ranges.atLeast("--levels", levels, 1);
    Ranges.atLeast("--codebook", codebook, 2);
  }

  /**
   * Sets the quantizer of a configuration.
   *
   * @param data what it is fitted to
   * @throws UsageException where there are more codewords than items
   */
  public void apply(JointConfig.Builder builder, TrainingData data) {
    if (codebook > data.items()) {
      throw new UsageException(
          "--codebook "
              + codebook
              + " is more than the "
              + data.items()
              + " items of --data; take at most as many codewords as items");
    }
    builder.contentDim(data.contentDim()).metrics(metrics()).codewords(codebook);
  }

  private List<Metric> metrics() {
    List<Metric> metrics =
        new ArrayList<>(
            Collections.nCopies(
                levels, distance == Distance.EUCLIDEAN ? Metric.EUCLIDEAN : Metric.COSINE));
    if (distance == Distance.HYBRID) {
      metrics.set(levels - 1, Metric.EUCLIDEAN);
    }
    return metrics;
  }
}
