package io.sidstream.lab.train;

import io.sidstream.cli.train.IdCommand;
import io.sidstream.cli.train.OfflineTraining.StopOn;
import io.sidstream.cli.train.SemanticCommand;
import io.sidstream.cli.train.UnifiedCommand;
import io.sidstream.model.train.JointConfig;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lab train}: {@code sidstream train} with knobs. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description = "Train as sidstream train, with the knobs that only an experiment needs.",
    subcommands = {
      LeaveOneOutExperiments.Unified.class,
      LeaveOneOutExperiments.Id.class,
      LeaveOneOutExperiments.Semantic.class
    })
public final class LeaveOneOutExperiments implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "name what to train: unified, id or semantic");
  }

  /** {@code lab train unified}. */
  @Command(
      name = "unified",
      mixinStandardHelpOptions = true,
      description = "As sidstream train unified, with knobs.")
  static final class Unified extends UnifiedCommand {
    @Mixin private QuantizerKnobs quantizer;
    @Mixin private ScoreKnobs scores;
    @Mixin private UnifiedKnobs beside;
    @Mixin private StoppingKnobs stopping;

    @Override
    protected void check() {
      super.check();
      stopping.check();
    }

    @Override
    protected void adjust(JointConfig.Builder builder) {
      quantizer.apply(builder);
      scores.apply(builder);
      beside.apply(builder);
    }

    @Override
    protected StopOn stopOn(JointConfig config) {
      return stopping.stopOn(super.stopOn(config));
    }

    @Override
    protected double learningRateDecay(JointConfig config) {
      return stopping.learningRateDecay(super.learningRateDecay(config));
    }
  }

  /** {@code lab train id}. */
  @Command(
      name = "id",
      mixinStandardHelpOptions = true,
      description = "As sidstream train id, with knobs.")
  static final class Id extends IdCommand {
    @Mixin private ScoreKnobs scores;
    @Mixin private StoppingKnobs stopping;

    @Override
    protected void check() {
      super.check();
      stopping.check();
    }

    @Override
    protected void adjust(JointConfig.Builder builder) {
      scores.apply(builder);
    }

    @Override
    protected StopOn stopOn(JointConfig config) {
      return stopping.stopOn(super.stopOn(config));
    }

    @Override
    protected double learningRateDecay(JointConfig config) {
      return stopping.learningRateDecay(super.learningRateDecay(config));
    }
  }

  /** {@code lab train semantic}. */
  @Command(
      name = "semantic",
      mixinStandardHelpOptions = true,
      description = "As sidstream train semantic, with knobs.")
  static final class Semantic extends SemanticCommand {
    @Mixin private QuantizerKnobs quantizer;
    @Mixin private ScoreKnobs scores;
    @Mixin private StoppingKnobs stopping;

    @Override
    protected void check() {
      super.check();
      stopping.check();
    }

    @Override
    protected void adjust(JointConfig.Builder builder) {
      quantizer.apply(builder);
      scores.apply(builder);
    }

    @Override
    protected StopOn stopOn(JointConfig config) {
      return stopping.stopOn(super.stopOn(config));
    }

    @Override
    protected double learningRateDecay(JointConfig config) {
      return stopping.learningRateDecay(super.learningRateDecay(config));
    }
  }
}
