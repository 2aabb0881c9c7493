package io.sidstream.lab;

import io.sidstream.cli.CommandRun;
import io.sidstream.cli.run.JobBuilder;

/** Runs commands of the lab in this process. */
public final class LabRun {
  private LabRun() {}

  /** Runs a command that builds no job. */
  public static CommandRun of(Object... args) {
    return of(
        (env, config) -> {
          throw new AssertionError("the job must not be built");
        },
        args);
  }

  /** Runs a command that may build the job. */
  public static CommandRun of(JobBuilder job, Object... args) {
    return CommandRun.of(Main.commandLine(job), args);
  }
}
