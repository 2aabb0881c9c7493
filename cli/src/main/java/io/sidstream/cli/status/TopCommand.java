package io.sidstream.cli.status;

import picocli.CommandLine.Command;

/** {@code sidstream top}: {@code sidstream status --watch 2}. */
@Command(
    name = "top",
    mixinStandardHelpOptions = true,
    description =
        "Show what a running job is worth, as 'sidstream status' does, again and again until Ctrl-C.",
    footer = {
      "",
      "Example:",
      "  sidstream top --bootstrap localhost:9092",
      "",
      "Exit codes: 130 ended by Ctrl-C, 1 the topics cannot be read, 2 asked for wrongly."
    })
public final class TopCommand extends StatusCommand {
  private static final int SECONDS = 2;

  /** Every two seconds, unless {@code --watch} says otherwise. */
  public TopCommand() {
    super(SECONDS);
  }
}
