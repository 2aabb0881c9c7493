package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.Quality;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import picocli.CommandLine.Option;

/** Trains a model on the events in order of time, each predicted and then learnt. */
public abstract class ReplayCommand extends TrainingCommand {
  @Option(
      names = "--bootstrap",
      defaultValue = "40000",
      paramLabel = "N",
      description =
          "Interactions of the bootstrap, which are not predicted (default: ${DEFAULT-VALUE}).")
  private int bootstrap;

  @Option(
      names = "--bootstrap-steps",
      defaultValue = "900",
      paramLabel = "N",
      description = "Steps of the bootstrap (default: ${DEFAULT-VALUE}).")
  private int bootstrapSteps;

  @Option(
      names = "--round",
      defaultValue = "5000",
      paramLabel = "N",
      description = "Interactions of a round (default: ${DEFAULT-VALUE}).")
  private int round;

  @Option(
      names = "--round-steps",
      defaultValue = "60",
      paramLabel = "N",
      description = "Steps of a round (default: ${DEFAULT-VALUE}).")
  private int roundSteps;

  @Option(
      names = "--save",
      paramLabel = "MODEL",
      description = "Write the last model there; sidstream encode reads it.")
  private Path save;

  /** A command whose options picocli sets. */
  protected ReplayCommand() {}

  /** The options of the model. */
  protected abstract ModelOptions model();

  /** When the quantizer learns; null for a model without one. */
  protected abstract QuantizerClock clock();

  /** Whether a model is trained from scratch for each round, to compare with. */
  protected boolean retrain() {
    return false;
  }

  /** Changes what an experiment is about; as it is, nothing. */
  protected void adjust(JointConfig.Builder builder) {}

  @Override
  protected final Path vectors() {
    return model().vectors();
  }

  @Override
  protected final Path save() {
    return save;
  }

  @Override
  protected void check() {
    model().check();
    Ranges.atLeast("--bootstrap", bootstrap, 1);
    Ranges.atLeast("--bootstrap-steps", bootstrapSteps, 1);
    Ranges.atLeast("--round", round, 1);
    Ranges.atLeast("--round-steps", roundSteps, 1);
    if (clock() != null) {
      clock().check();
    }
  }

  @Override
  protected final JointConfig config(TrainingData data) {
    JointConfig.Builder builder = JointConfig.builder();
    model().apply(builder, data, true);
    adjust(builder);
    return builder.build();
  }

  @Override
  protected final Trained train(TrainingData data, JointConfig config) throws IOException {
    refuseBootstrap(data, config);
    StreamReplay replay =
        new StreamReplay(
            data,
            config,
            new StreamReplay.Plan(
                bootstrap,
                bootstrapSteps,
                round,
                roundSteps,
                clock() == null ? 0 : clock().every(),
                clock() == null ? 0 : clock().churnBudget(),
                retrain()),
            seed());
    try (ReplayDisplay shown = new ReplayDisplay(out(), onTerminal())) {
      replay.run(shown);
    }
    Quality quality =
        config.hasSemantic() ? replay.trainer().quality(replay.trainer().inUse()) : null;
    List<String> known = new ArrayList<>(data.itemIds().subList(0, replay.items().size()));
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("protocol", "prequential");
    report.put("total", replay.total());
    report.put("months", replay.months());
    report.put("rounds", replay.rounds());
    report.putAll(Report.quality(quality, config));
    report.put("itemTableParameters", Report.itemTableParameters(config, data.items()));
    report.put("itemTableReduction", Report.itemTableReduction(config, data.items()));
    return new Trained(
        report, SavedModel.sections(replay.trainer(), replay.items(), known), replay.times());
  }

  private void refuseBootstrap(TrainingData data, JointConfig config) {
    if (data.events() <= bootstrap) {
      throw new UsageException(
          "--bootstrap "
              + bootstrap
              + ": --data has "
              + data.events()
              + " interactions; the bootstrap must leave some to predict");
    }
    if (IntStream.of(data.user()).limit(bootstrap).distinct().count() == bootstrap) {
      throw new UsageException(
          "--bootstrap "
              + bootstrap
              + ": none of the first "
              + bootstrap
              + " interactions of --data is the second of a user, so there is nothing to learn from; take more");
    }
    long seen = IntStream.of(data.item()).limit(bootstrap).distinct().count();
    if (config.hasSemantic() && config.codewords() > seen) {
      throw new UsageException(
          "--codebook "
              + config.codewords()
              + " is more than the "
              + seen
              + " items of the first "
              + bootstrap
              + " interactions; take fewer codewords, or a larger --bootstrap");
    }
  }

  @Override
  protected final void parameters(JointConfig config, Map<String, String> out) {
    out.put("protocol", "prequential");
    out.put("bootstrap", String.valueOf(bootstrap));
    out.put("bootstrapSteps", String.valueOf(bootstrapSteps));
    out.put("round", String.valueOf(round));
    out.put("roundSteps", String.valueOf(roundSteps));
    if (clock() != null) {
      out.put("quantizerEvery", String.valueOf(clock().every()));
      out.put("churnBudget", String.valueOf(clock().churnBudget()));
    }
  }
}
