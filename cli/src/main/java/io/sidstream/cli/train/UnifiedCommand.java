package io.sidstream.cli.train;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code train unified}: codes and ID embeddings. */
@Command(
    name = "unified",
    mixinStandardHelpOptions = true,
    description = "Train the model of codes and ID embeddings; evaluate it by leave-one-out.")
public class UnifiedCommand extends LeaveOneOutCommand {
  @Mixin private UnifiedOptions model;
  @Mixin private ScheduleOptions schedule;

  /** A command whose options picocli sets. */
  public UnifiedCommand() {}

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
