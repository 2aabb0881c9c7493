package io.sidstream.cli.train;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code train id}: ID embeddings alone, what codes are compared with. */
@Command(
    name = "id",
    mixinStandardHelpOptions = true,
    description = "Train the model of ID embeddings alone; evaluate it by leave-one-out.")
public class IdCommand extends LeaveOneOutCommand {
  @Mixin private IdOptions model;

  /** A command whose options picocli sets. */
  public IdCommand() {}

  @Override
  protected final ModelOptions model() {
    return model;
  }
}
