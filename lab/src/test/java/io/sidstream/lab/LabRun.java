package io.sidstream.lab;

import io.sidstream.cli.CommandRun;

/** Runs commands of the lab in this process. */
public final class LabRun {
  private LabRun() {}

  /** Runs a command that builds no job. */
  public static CommandRun of(Object... args) {
    return CommandRun.of(
        Main.commandLine(
            (env, config) -> {
              throw new AssertionError("the job must not be built");
            }),
        args);
  }
}
