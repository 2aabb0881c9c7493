package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.learn.LearnSettings;
import io.sidstream.job.learn.Replay;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Quality;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import picocli.CommandLine.Option;

/** Gives the events to the job's learner in order of time, each predicted and then learnt. */
public abstract class ReplayCommand extends TrainingCommand {
  @Option(
      names = "--bootstrap",
      paramLabel = "N",
      description =
          "Interactions of the bootstrap, which are not predicted (default: ${DEFAULT-VALUE}).")
  private int bootstrap = 40_000;

  @Option(
      names = "--bootstrap-passes",
      paramLabel = "N",
      description = "Times that the bootstrap goes over them (default: ${DEFAULT-VALUE}).")
  private int bootstrapPasses = JobOptions.BOOTSTRAP_PASSES.defaultValue();

  @Option(
      names = "--bootstrap-steps",
      paramLabel = "N",
      description = "Steps of the bootstrap, at most (default: ${DEFAULT-VALUE}).")
  private int bootstrapSteps = JobOptions.BOOTSTRAP_MAX_STEPS.defaultValue();

  @Option(
      names = "--round",
      paramLabel = "N",
      description = "Interactions of a round (default: ${DEFAULT-VALUE}).")
  private int round = JobOptions.LEARN_ROUND_INTERACTIONS.defaultValue();

  @Option(
      names = "--round-steps",
      paramLabel = "N",
      description = "Steps of a round (default: ${DEFAULT-VALUE}).")
  private int roundSteps = JobOptions.LEARN_ROUND_STEPS.defaultValue();

  @Option(
      names = "--step-positions",
      paramLabel = "N",
      description = "Positions of a step's batch, about (default: ${DEFAULT-VALUE}).")
  private int stepPositions = JobOptions.LEARN_STEP_POSITIONS.defaultValue();

  @Option(
      names = "--shards",
      paramLabel = "S",
      description = "Learners that share the users (default: ${DEFAULT-VALUE}).")
  private int shards = JobOptions.LEARN_SHARDS.defaultValue();

  @Option(
      names = "--save",
      paramLabel = "MODEL",
      description = "Write the last model there; sidstream encode reads it.")
  private Path save;

  /** A command whose options picocli sets. */
  protected ReplayCommand() {}

  /** The options of the model. */
  protected abstract ModelOptions model();

  /** When the quantizer learns. */
  protected abstract QuantizerClock clock();

  /** Changes what an experiment is about; as it is, nothing. */
  protected void adjust(JointConfig.Builder builder) {}

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
    Ranges.atLeast("--bootstrap", bootstrap, 1);
    Ranges.atLeast("--bootstrap-passes", bootstrapPasses, 1);
    Ranges.atLeast("--bootstrap-steps", bootstrapSteps, 1);
    Ranges.atLeast("--round", round, 1);
    Ranges.atLeast("--round-steps", roundSteps, 1);
    Ranges.atLeast("--step-positions", stepPositions, 1);
    Ranges.atLeast("--shards", shards, 1);
    clock().check();
  }

  @Override
  protected final JointConfig config(TrainingData data) {
    JointConfig.Builder builder =
        JointConfig.builder()
            .maxTargets(JobOptions.LEARN_STEP_TARGETS.defaultValue())
            .maxDecoded(LearnPlan.STEP_DECODED);
    model().apply(builder, data, true);
    adjust(builder);
    return builder.build();
  }

  @Override
  protected final Trained train(TrainingData data, JointConfig config) throws IOException {
    refuseBootstrap(data, config);
    try (ReplayDisplay shown = new ReplayDisplay(out(), onTerminal());
        StreamReplay replay = new StreamReplay(data, plan(config), bootstrap, shown)) {
      replay.run();
      return trained(data, config, replay);
    } catch (InterruptedException e) {
      throw new InterruptedIOException("interrupted while it trained");
    }
  }

  /** What is not asked for is as in a job that sets nothing. */
  private LearnPlan plan(JointConfig config) {
    LearnPlan job = LearnSettings.plan(JobConfig.defaults());
    int every = clock().every();
    return new LearnPlan(
        config,
        seed(),
        shards,
        new LearnPlan.Rounds(
            round, roundSteps, every > 0 ? every : Integer.MAX_VALUE, clock().steps()),
        new LearnPlan.Steps(stepPositions, job.steps().recentShare()),
        new LearnPlan.Bootstrap(
            bootstrapPasses,
            bootstrapSteps,
            Math.min(job.bootstrap().minSteps(), bootstrapSteps),
            job.bootstrap().exchanges()),
        job.gate().withChurnBudget(clock().churnBudget()),
        job.holdout());
  }

  private Trained trained(TrainingData data, JointConfig config, StreamReplay replay)
      throws IOException {
    Replay.Learnt learnt = replay.learnt();
    JointTrainer trainer = learnt.trainer();
    Quality quality = trainer.inUse() == null ? null : trainer.quality(trainer.inUse());
    List<String> known = new ArrayList<>();
    for (int i = 0; i < learnt.set().size(); i++) {
      known.add(learnt.set().name(i));
    }
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("protocol", "prequential");
    report.put("total", replay.total());
    report.put("rounds", replay.rounds());
    report.putAll(Report.quality(quality, config));
    report.put("itemTableParameters", Report.itemTableParameters(config, data.items()));
    report.put("itemTableReduction", Report.itemTableReduction(config, data.items()));
    return new Trained(
        report, SavedModel.sections(trainer, learnt.set().items(), known), replay.times());
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
    if (config.codewords() > seen) {
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
    out.put("bootstrapPasses", String.valueOf(bootstrapPasses));
    out.put("bootstrapSteps", String.valueOf(bootstrapSteps));
    out.put("round", String.valueOf(round));
    out.put("roundSteps", String.valueOf(roundSteps));
    out.put("stepPositions", String.valueOf(stepPositions));
    out.put("shards", String.valueOf(shards));
    out.put("quantizerEvery", String.valueOf(clock().every()));
    out.put("quantizerSteps", String.valueOf(clock().steps()));
    out.put("churnBudget", String.valueOf(clock().churnBudget()));
  }
}
