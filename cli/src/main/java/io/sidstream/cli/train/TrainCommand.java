package io.sidstream.cli.train;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sidstream train}: the joint model offline, on the classes that the job uses. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description = {
      "Train a model on a data set and evaluate it.",
      "unified, id and semantic: leave-one-out; prequential: the job's model in order of time."
    },
    subcommands = {
      UnifiedCommand.class,
      IdCommand.class,
      SemanticCommand.class,
      PrequentialCommand.class
    })
public final class TrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(),
        "name what to train: unified, id or semantic (leave-one-out) or prequential (in order of time), such as: sidstream train unified --data DIR --vectors FILE.npy");
  }
}
