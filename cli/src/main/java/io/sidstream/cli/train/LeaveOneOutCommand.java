package io.sidstream.cli.train;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.model.evaluate.LeaveOneOut;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.Quality;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Option;

/**
 * Trains a joint model and judges it by the last items of each user: early stopping on the one
 * before the last, then sampled and full ranking of the last.
 */
public abstract class LeaveOneOutCommand extends TrainingCommand {
  /** What the learning rates are multiplied by after each epoch of a model with a quantizer. */
  private static final double DEFAULT_DECAY = 0.985;

  @Option(
      names = "--epochs",
      defaultValue = "64",
      paramLabel = "N",
      description = "Most epochs (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--batch",
      defaultValue = "256",
      paramLabel = "N",
      description = "Users of a batch (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--patience",
      defaultValue = "10",
      paramLabel = "P",
      description =
          "Stop after so many epochs without a better validation MRR (default: ${DEFAULT-VALUE}).")
  private int patience;

  @Option(
      names = "--negatives",
      paramLabel = "FILE.npy",
      description =
          "Where the sampled protocol's negatives are kept: read if it is there, else written. They are the same for every variant and seed without it, too.")
  private Path negativesFile;

  @Option(
      names = "--save",
      paramLabel = "MODEL",
      description = "Write the best model there; sidstream encode reads it.")
  private Path save;

  @Option(
      names = "--checkpoint",
      paramLabel = "FILE",
      description = "Write there after every epoch what --resume goes on from.")
  private Path checkpoint;

  @Option(
      names = "--resume",
      paramLabel = "FILE",
      description =
          "Go on from a file of --checkpoint, as if there had been no break. Data, seed and options must be the same, but for --epochs (all, those before the break included), --patience and --threads.")
  private Path resume;

  /** A command whose options picocli sets. */
  protected LeaveOneOutCommand() {}

  /** The options of the model. */
  protected abstract ModelOptions model();

  /** How its parts are trained. */
  protected OfflineTraining.Schedule schedule() {
    return OfflineTraining.Schedule.TOGETHER;
  }

  /** Changes what an experiment is about; as it is, nothing. */
  protected void adjust(JointConfig.Builder builder) {}

  /** The validation figure that tells the best epoch. */
  protected OfflineTraining.StopOn stopOn(JointConfig config) {
    return OfflineTraining.StopOn.suiting(config.loss());
  }

  /** What the learning rates are multiplied by after each epoch. */
  protected double learningRateDecay(JointConfig config) {
    // Codewords settle as the encoder slows down; ID embeddings alone gain nothing by it.
    return config.hasSemantic() ? DEFAULT_DECAY : 1;
  }

  @Override
  protected final VectorsOption vectors() {
    return model().vectors();
  }

  @Override
  protected final Path save() {
    return save;
  }

  @Override
  protected void check() {
    model().check();
    Ranges.atLeast("--epochs", epochs, 1);
    Ranges.atLeast("--batch", batch, 1);
    Ranges.atLeast("--patience", patience, 1);
    if (schedule().kind() == OfflineTraining.Schedule.Kind.JOINT_THEN_FROZEN
        && epochs <= schedule().epochs()) {
      throw new UsageException(
          "--epochs "
              + epochs
              + ": --freeze-after "
              + schedule().epochs()
              + " leaves the recommender none to go on; ask for more epochs in all, or freeze earlier");
    }
  }

  @Override
  protected final void files(List<OutputFile.Named> inputs, List<OutputFile.Named> outputs) {
    boolean negativesAreRead = negativesFile != null && Files.isRegularFile(negativesFile);
    (negativesAreRead ? inputs : outputs).add(new OutputFile.Named("--negatives", negativesFile));
    outputs.add(new OutputFile.Named("--checkpoint", checkpoint));
  }

  @Override
  protected final List<OutputFile.Named> replaceable() {
    return List.of(new OutputFile.Named("--resume", resume));
  }

  @Override
  protected final JointConfig config(TrainingData data) {
    JointConfig.Builder builder = JointConfig.builder().batchUsers(batch);
    model().apply(builder, data, false);
    adjust(builder);
    return builder.build();
  }

  @Override
  protected final Trained train(TrainingData data, JointConfig config) throws IOException {
    LeaveOneOutSplit split = new LeaveOneOutSplit(data.sequences(), data.items());
    int[] catalogue = OfflineTraining.catalogue(data.items());
    StoredNegatives negatives =
        negativesFile == null
            ? StoredNegatives.draw(split, catalogue)
            : StoredNegatives.at(negativesFile, split, catalogue);
    OfflineTraining training = new OfflineTraining(data, split, negatives, config, seed());
    LearningCurve curve = new LearningCurve(config, out(), err(), onTerminal());
    Map<String, String> settings = settings(data, config);
    settings.put("negativesDigest", negatives.digest());
    ModelFile.Provenance provenance = provenance(data, settings);
    if (resume != null) {
      Checkpoint.resume(resume, provenance, training, curve);
    }
    try (curve) {
      training.run(
          schedule(),
          epochs,
          patience,
          stopOn(config),
          learningRateDecay(config),
          checkpoint == null ? curve : new Checkpoint(checkpoint, provenance, training, curve));
    }
    LeaveOneOut.Result test = training.test();
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("protocol", "leave-one-out");
    report.put("sampled", Report.metrics(test.sampled));
    report.put("full", Report.metrics(test.full));
    report.put("parts", Report.byPart(test, split.testTargets, split.parts()));
    report.putAll(Report.quality(training.quality(), config));
    report.put("itemTableParameters", Report.itemTableParameters(config, data.items()));
    report.put("itemTableReduction", Report.itemTableReduction(config, data.items()));
    report.put("epochs", curve.points().size());
    report.put("bestEpoch", training.bestEpoch());
    report.put("negativesDigest", negatives.digest());
    report.put("curve", curve.points());
    summary(test, training, config, data);
    return new Trained(report, training.model(), training.times());
  }

  private void summary(
      LeaveOneOut.Result test, OfflineTraining training, JointConfig config, TrainingData data) {
    out()
        .printf(
            Locale.ROOT,
            "test, best epoch %s: sampled HR@10 %.4f NDCG@10 %.4f MRR %.4f, full HR@10 %.4f NDCG@10 %.4f%n",
            training.bestEpoch(),
            test.sampled.hr(10),
            test.sampled.ndcg(10),
            test.sampled.mrr(),
            test.full.hr(10),
            test.full.ndcg(10));
    double reduction = Report.itemTableReduction(config, data.items());
    out()
        .printf(
            Locale.ROOT,
            "item table: %,d parameters, %.1f %% %s than ID embeddings of %d%n",
            Report.itemTableParameters(config, data.items()),
            100 * Math.abs(reduction),
            reduction < 0 ? "more" : "fewer",
            Report.ID_ONLY_DIM);
    Quality quality = training.quality();
    if (quality != null) {
      for (String collapse : Collapse.of(quality, config.codewords())) {
        out().println("COLLAPSE: " + collapse);
      }
    }
  }

  @Override
  protected final void parameters(JointConfig config, Map<String, String> out) {
    out.put("protocol", "leave-one-out");
    out.put("schedule", schedule().kind().name().toLowerCase(Locale.ROOT).replace('_', '-'));
    out.put("quantizerEpochs", String.valueOf(schedule().epochs()));
    out.put("epochs", String.valueOf(epochs));
    out.put("patience", String.valueOf(patience));
    out.put("stopOn", Report.name(stopOn(config)));
    out.put("learningRateDecay", String.valueOf(learningRateDecay(config)));
  }
}
