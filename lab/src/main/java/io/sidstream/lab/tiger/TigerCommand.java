package io.sidstream.lab.tiger;

import io.sidstream.cli.train.LearningCurve;
import io.sidstream.cli.train.LeaveOneOutSplit;
import io.sidstream.cli.train.OfflineTraining;
import io.sidstream.cli.train.QuantizerOptions;
import io.sidstream.cli.train.Ranges;
import io.sidstream.cli.train.Report;
import io.sidstream.cli.train.Trained;
import io.sidstream.cli.train.TrainingCommand;
import io.sidstream.cli.train.TrainingData;
import io.sidstream.cli.train.VectorsOption;
import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.evaluate.RankingMetrics;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.Variant;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lab tiger}: the quantizer alone, then a generator of its code tuples. */
@Command(
    name = "tiger",
    mixinStandardHelpOptions = true,
    description =
        "Train the generative baseline TIGER on a data set and evaluate it by leave-one-out, full ranking: the quantizer alone, then a generator of code tuples.")
public final class TigerCommand extends TrainingCommand {
  /** The largest k of the reported HR@k: a narrower beam could not be told from a miss. */
  private static final int LARGEST_CUT = 20;

  @Mixin private VectorsOption vectors;
  @Mixin private QuantizerOptions quantizer;

  @Option(
      names = "--beam",
      defaultValue = "20",
      paramLabel = "N",
      description = "Width of the beam search, 20 or more (default: ${DEFAULT-VALUE}).")
  private int beam;

  @Option(
      names = "--quantizer-epochs",
      defaultValue = "50",
      paramLabel = "N",
      description = "Epochs of the quantizer (default: ${DEFAULT-VALUE}).")
  private int quantizerEpochs;

  @Option(
      names = "--epochs",
      defaultValue = "64",
      paramLabel = "N",
      description = "Most epochs of the generator (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--patience",
      defaultValue = "10",
      paramLabel = "P",
      description =
          "Stop after so many epochs without a better validation NDCG@10 (default: ${DEFAULT-VALUE}).")
  private int patience;

  @Option(
      names = "--batch",
      defaultValue = "256",
      paramLabel = "N",
      description = "Users of a batch (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--learning-rate",
      defaultValue = "0.001",
      paramLabel = "R",
      description = "Adam's learning rate (default: ${DEFAULT-VALUE}).")
  private float learningRate;

  @Option(
      names = "--dropout",
      defaultValue = "0.1",
      paramLabel = "P",
      description = "Dropout of the generator (default: ${DEFAULT-VALUE}).")
  private float dropout;

  @Override
  protected VectorsOption vectors() {
    return vectors;
  }

  @Override
  protected void check() {
    quantizer.check();
    Ranges.atLeast("--batch", batch, 1);
    Ranges.atLeast("--epochs", epochs, 1);
    Ranges.atLeast("--quantizer-epochs", quantizerEpochs, 1);
    Ranges.atLeast("--patience", patience, 1);
    Ranges.atLeast("--beam", beam, LARGEST_CUT);
  }

  @Override
  protected JointConfig config(TrainingData data) {
    JointConfig.Builder builder = JointConfig.builder();
    quantizer.apply(builder, data);
    return builder
        .variant(Variant.SEMANTIC)
        .straightThrough(StraightThrough.ROTATION)
        .dropout(dropout)
        .batchUsers(batch)
        .learningRate(learningRate)
        .build();
  }

  @Override
  protected Trained train(TrainingData data, JointConfig config) throws IOException {
    LeaveOneOutSplit split = new LeaveOneOutSplit(data.sequences(), data.items());
    // No negatives: the recommender of this training does not learn and is not ranked.
    OfflineTraining learner = new OfflineTraining(data, split, null, config, seed());
    LearningCurve curve = new LearningCurve(config, out(), err(), onTerminal());
    try (curve) {
      learner.quantizerAlone(quantizerEpochs, curve);
    }
    TupleTrie trie =
        new TupleTrie(learner.items().codes(), data.items(), config.levels(), config.codewords());
    GenerativeTraining training =
        new GenerativeTraining(trie, split, config.dropout(), beam, seed());
    try (GeneratorCurve shown = new GeneratorCurve(out(), curve.points(), onTerminal())) {
      training.run(quantizerEpochs, epochs, patience, batch, learningRate, shown);
    }
    RankingMetrics test = training.test();
    out()
        .printf(
            Locale.ROOT,
            "test, best epoch %d: full HR@10 %.4f NDCG@10 %.4f%n",
            training.bestEpoch(),
            test.hr(10),
            test.ndcg(10));
    Map<String, byte[]> sections = new LinkedHashMap<>();
    sections.put("tokenizer", learner.trainer().inUse().toBytes());
    sections.put("generator", training.state());
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("protocol", "leave-one-out");
    report.put("sampled", null);
    report.put("full", Report.metrics(test));
    report.putAll(Report.quality(learner.quality(), config));
    report.put("epochs", curve.points().size());
    report.put("bestEpoch", training.bestEpoch());
    report.put("curve", curve.points());
    return new Trained(report, sections, training.times());
  }

  @Override
  protected void parameters(JointConfig config, Map<String, String> out) {
    out.put("variant", "tiger");
    out.put("protocol", "leave-one-out");
    out.put("schedule", "two-stage");
    out.put("beam", String.valueOf(beam));
    out.put("validationUsers", String.valueOf(GenerativeTraining.VALIDATION_USERS));
    out.put("epochs", String.valueOf(epochs));
    out.put("quantizerEpochs", String.valueOf(quantizerEpochs));
    out.put("patience", String.valueOf(patience));
  }
}
