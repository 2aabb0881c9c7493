package io.sidstream.lab.train;

import io.sidstream.cli.train.ModelOptions;
import io.sidstream.cli.train.PrequentialCommand;
import io.sidstream.cli.train.QuantizerClock;
import io.sidstream.cli.train.ReplayCommand;
import io.sidstream.cli.train.SemanticOptions;
import io.sidstream.model.train.JointConfig;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lab prequential}: {@code sidstream train prequential} with knobs. */
@Command(
    name = "prequential",
    mixinStandardHelpOptions = true,
    description =
        "Train in order of time as sidstream train prequential: with the knobs that only an experiment needs.",
    subcommands = {PrequentialExperiments.Unified.class, PrequentialExperiments.Semantic.class})
public final class PrequentialExperiments implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "name what to train: unified or semantic");
  }

  /** {@code lab prequential unified}. */
  @Command(
      name = "unified",
      mixinStandardHelpOptions = true,
      description = "As sidstream train prequential, with knobs.")
  static final class Unified extends PrequentialCommand {
    @Mixin private QuantizerKnobs quantizer;
    @Mixin private ScoreKnobs scores;
    @Mixin private UnifiedKnobs beside;

    @Override
    protected void adjust(JointConfig.Builder builder) {
      quantizer.apply(builder);
      scores.apply(builder);
      beside.apply(builder);
    }
  }

  /** {@code lab prequential semantic}. */
  @Command(
      name = "semantic",
      mixinStandardHelpOptions = true,
      description = "The same of codes alone, with knobs.")
  static final class Semantic extends ReplayCommand {
    @Mixin private SemanticOptions model;
    @Mixin private QuantizerClock clock;
    @Mixin private QuantizerKnobs quantizer;
    @Mixin private ScoreKnobs scores;

    @Override
    protected ModelOptions model() {
      return model;
    }

    @Override
    protected QuantizerClock clock() {
      return clock;
    }

    @Override
    protected void adjust(JointConfig.Builder builder) {
      quantizer.apply(builder);
      scores.apply(builder);
    }
  }
}
