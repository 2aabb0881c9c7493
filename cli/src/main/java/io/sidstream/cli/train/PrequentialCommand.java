package io.sidstream.cli.train;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code train prequential}: the job's model in order of time. */
@Command(
    name = "prequential",
    mixinStandardHelpOptions = true,
    description =
        "Train the job's model on the events in order of time, each predicted and then learnt, as the job does.")
public class PrequentialCommand extends ReplayCommand {
  @Mixin private UnifiedOptions model;
  @Mixin private QuantizerClock clock;

  /** A command whose options picocli sets. */
  public PrequentialCommand() {}

  @Override
  protected final ModelOptions model() {
    return model;
  }

  @Override
  protected final QuantizerClock clock() {
    return clock;
  }
}
