package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;
import io.sidstream.job.config.JobOptions;
import io.sidstream.model.content.RqVaeConfig;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.Loss;
import io.sidstream.model.train.JointConfig.Variant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.ConfigOption;
import picocli.CommandLine.Option;

/** The options of {@code train} that say what is trained. */
final class ModelOptions {
  /** What is trained. */
  enum Kind {
    /** ID embeddings and codes. */
    UNIFIED,
    /** ID embeddings alone. */
    ID,
    /** Codes alone. */
    SEMANTIC,
    /** The quantizer of SEMANTIC, then a generator of its code tuples. */
    TIGER;

    Variant joint() {
      return this == TIGER ? Variant.SEMANTIC : Variant.valueOf(name());
    }
  }

  /** How levels measure distance. */
  enum Distance {
    /** Cosine, the last level Euclidean. */
    HYBRID,
    /** Cosine at every level. */
    COSINE,
    /** Euclidean at every level. */
    EUCLIDEAN
  }

  private static final Pattern KNOB = Pattern.compile("^([a-zA-Z]+) is (\\S+); ");

  /** Of knobs whose option has another name. */
  private static final Map<String, String> OPTION_OF =
      Map.of(
          "codewords", "--codebook",
          "sharedNegatives", "--negatives-shared");

  @Option(
      names = "--variant",
      defaultValue = "unified",
      paramLabel = "V",
      description =
          "unified, id, semantic, or tiger: the quantizer alone, then a generator of code tuples (default: ${DEFAULT-VALUE}).")
  Kind kind;

  @Option(
      names = "--distance",
      defaultValue = "hybrid",
      paramLabel = "D",
      description = "hybrid, cosine or euclidean (default: ${DEFAULT-VALUE}).")
  private Distance distance;

  @Option(
      names = "--loss",
      defaultValue = "softmax",
      paramLabel = "L",
      description = "bce or softmax (default: ${DEFAULT-VALUE}).")
  Loss loss;

  @Option(
      names = "--levels",
      defaultValue = "3",
      paramLabel = "L",
      description = "Levels of the quantizer (default: ${DEFAULT-VALUE}).")
  int levels;

  @Option(
      names = "--codebook",
      defaultValue = "256",
      paramLabel = "K",
      description = "Codewords of a level (default: ${DEFAULT-VALUE}).")
  int codebook;

  @Option(
      names = "--id-dim",
      paramLabel = "D",
      description =
          "Width of an ID embedding (default: 8; 64 for --variant id; that of the job for --protocol prequential).")
  private Integer idDim;

  @Option(
      names = "--id-start",
      paramLabel = "S",
      description =
          "What a new item's ID embedding starts as: zero, random or prefix_mean (default: zero; random for --variant id).")
  private JointConfig.IdStart idStart;

  @Option(
      names = "--id-dropout",
      paramLabel = "P",
      description =
          "Probability that an item of a batch is shown without its ID embedding (default: 0.3, as in the job; 0 where there is no other embedding).")
  private Float idDropout;

  @Option(
      names = "--semantic-dropout",
      paramLabel = "P",
      description =
          "Probability that a step is taken on ID embeddings alone, without z (default: 0; that of the job for --protocol prequential).")
  private Float semanticDropout;

  @Option(
      names = "--semantic-share",
      paramLabel = "P",
      description =
          "Share, in a ranking's probabilities, of a second recommender that reads z and is trained beside the first; 0 for none (default: 0; that of the job for --protocol prequential).")
  private Float semanticShare;

  @Option(
      names = "--semantic-id-dim",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Numbers of an ID embedding, its first ones, that the second recommender reads beside z (default: ${DEFAULT-VALUE}).")
  private int semanticIdDim;

  @Option(
      names = "--semantic-temperature",
      defaultValue = "1",
      paramLabel = "T",
      description =
          "What the second recommender's scores are divided by in a ranking, besides --temperature: above 1 its probabilities are flatter, and the first decides among the items that it is sure of (default: ${DEFAULT-VALUE}).")
  private float semanticTemperature;

  @Option(
      names = "--dropout",
      paramLabel = "P",
      description = "Dropout of the recommender (default: 0.5; 0.1 for --variant tiger).")
  private Float dropout;

  @Option(
      names = "--temperature",
      defaultValue = "1",
      paramLabel = "T",
      description = "Scores are divided by it under --loss softmax (default: ${DEFAULT-VALUE}).")
  private float temperature;

  @Option(
      names = "--log-q",
      paramLabel = "W",
      description =
          "Share of the log of a candidate's probability to be in a batch that is taken from its score under --loss softmax, 0 to 1 (default: 1; that of the job for --protocol prequential).")
  private Float logQ;

  @Option(
      names = "--negatives-shared",
      defaultValue = "1024",
      paramLabel = "N",
      description =
          "Uniform negatives that a batch shares under --loss softmax (default: ${DEFAULT-VALUE}).")
  private int sharedNegatives;

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
      names = "--codebook-decay",
      paramLabel = "D",
      description = "Decay of the codebooks' moving averages, above 0 and below 1 (default: 0.9).")
  private Float codebookDecay;

  @Option(
      names = "--straight-through",
      defaultValue = "ROTATION",
      paramLabel = "S",
      description =
          "How the gradient of z passes the quantizer: rotation, per_level or single (default: rotation).")
  private RqVaeConfig.StraightThrough straightThrough;

  @Option(
      names = "--batch",
      defaultValue = "256",
      paramLabel = "N",
      description = "Users of a batch (default: ${DEFAULT-VALUE}).")
  int batch;

  @Option(
      names = "--learning-rate",
      defaultValue = "0.001",
      paramLabel = "R",
      description = "Adam's learning rate (default: ${DEFAULT-VALUE}).")
  float learningRate;

  @Option(
      names = "--id-learning-rate",
      paramLabel = "R",
      description =
          "Adam's learning rate of the ID embeddings (default: that of --learning-rate; that of the job for --protocol prequential).")
  private Float idLearningRate;

  /**
   * The configuration that is asked for; what is not has its default.
   *
   * @param asTheJob whether it is as in the job instead
   * @throws UsageException where a value is out of range
   */
  JointConfig config(TrainingData data, boolean asTheJob) {
    Variant variant = kind.joint();
    // The other variants are what the job is compared with.
    boolean unifiedAsTheJob = asTheJob && variant == Variant.UNIFIED;
    if (variant != Variant.ID && codebook > data.items()) {
      throw new UsageException(
          "--codebook "
              + codebook
              + " is more than the "
              + data.items()
              + " items of --data; take at most as many codewords as items");
    }
    if (variant != Variant.SEMANTIC && idDim != null) {
      even("--id-dim", idDim);
    }
    even("--semantic-id-dim", semanticIdDim);
    try {
      JointConfig.Builder builder = JointConfig.builder();
      if (codebookDecay != null) {
        builder.codebookDecay(codebookDecay);
      }
      return builder
          .variant(variant)
          .contentDim(data.contentDim())
          .metrics(metrics())
          .codewords(codebook)
          .idDim(
              idDim != null
                  ? idDim
                  : variant == Variant.ID
                      ? Report.ID_ONLY_DIM
                      : asTheJob ? JobOptions.ID_DIM.defaultValue() : 8)
          .idStart(
              idStart != null
                  ? idStart
                  : variant == Variant.ID ? JointConfig.IdStart.RANDOM : JointConfig.IdStart.ZERO)
          .idDropout(or(idDropout, variant == Variant.UNIFIED, JobOptions.ID_DROPOUT, 0f))
          .semanticDropout(
              or(semanticDropout, unifiedAsTheJob, JobOptions.RECOMMENDER_SEMANTIC_DROPOUT, 0f))
          .semanticShare(
              or(semanticShare, unifiedAsTheJob, JobOptions.RECOMMENDER_SEMANTIC_SHARE, 0f))
          .semanticIdDim(semanticIdDim)
          .semanticTemperature(semanticTemperature)
          .dropout(dropout != null ? dropout : kind == Kind.TIGER ? 0.1f : 0.5f)
          .temperature(temperature)
          .logQ(logQ != null ? logQ : asTheJob ? 0f : 1f)
          .reconstructionWeight(reconstructionWeight)
          .commitmentWeight(commitmentWeight)
          .straightThrough(straightThrough)
          .sharedNegatives(sharedNegatives)
          .loss(loss)
          .batchUsers(batch)
          .learningRate(learningRate)
          .idLearningRate(
              or(idLearningRate, unifiedAsTheJob, JobOptions.ID_LEARNING_RATE, learningRate))
          .build();
    } catch (IllegalArgumentException e) {
      throw new UsageException(byOption(e.getMessage()));
    }
  }

  private static void even(String option, int width) {
    if (width % 2 != 0) {
      throw new UsageException(
          option + " " + width + ": it must be even, as two attention heads share the width");
    }
  }

  /** A message of the configuration, which opens with the name of a knob, by that of its option. */
  private static String byOption(String message) {
    Matcher knob = KNOB.matcher(message);
    if (!knob.find()) {
      return message;
    }
    String name = knob.group(1);
    String option =
        OPTION_OF.getOrDefault(
            name, "--" + name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT));
    return option + " " + knob.group(2) + ": " + message.substring(knob.end());
  }

  /** What was asked for; else the job's default where it is meant to be like the job. */
  private static float or(
      Float asked, boolean asTheJob, ConfigOption<Double> job, float otherwise) {
    return asked != null ? asked : asTheJob ? job.defaultValue().floatValue() : otherwise;
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

  /** As it is typed. */
  static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
