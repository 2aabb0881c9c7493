package io.sidstream.cli.train;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code train semantic}: codes alone. */
@Command(
    name = "semantic",
    mixinStandardHelpOptions = true,
    description = "Train the model of codes alone; evaluate it by leave-one-out.")
public class SemanticCommand extends LeaveOneOutCommand {
  @Mixin private SemanticOptions model;
  @Mixin private ScheduleOptions schedule;

  /** A command whose options picocli sets. */
  public SemanticCommand() {}

  @Override
  protected final ModelOptions model() {
    return model;
  }

  @Override
  protected final OfflineTraining.Schedule schedule() {
    return schedule.schedule();
  }

  @Override
  protected void check() {
    schedule.check();
    super.check();
  }
}
