package io.sidstream.cli.main;

import io.sidstream.cli.Failures;
import io.sidstream.cli.demo.DemoCommand;
import io.sidstream.cli.encode.EncodeCommand;
import io.sidstream.cli.encode.QuantizeCommand;
import io.sidstream.cli.recommend.RecommendCommand;
import io.sidstream.cli.run.JobBuilder;
import io.sidstream.cli.run.JobCommand;
import io.sidstream.cli.tokens.TokensCommand;
import io.sidstream.cli.train.TrainCommand;
import io.sidstream.job.SidstreamJob;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code sidstream} command. Exit codes: 0 done, 1 failed, 2 asked for wrongly. */
@Command(
    name = "sidstream",
    description = "A streaming semantic-ID tokenizer on Apache Flink and Kafka.",
    mixinStandardHelpOptions = true,
    version = "sidstream 0.1.0")
public final class Main implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of a failure.")
  private boolean verbose;

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  /** Runs the command. */
  static int run(String... args) {
    return commandLine(SidstreamJob::build).execute(args);
  }

  /**
   * The command with its error handling.
   *
   * @param job what its commands run as the job
   */
  public static CommandLine commandLine(JobBuilder job) {
    Main main = new Main();
    return new CommandLine(main)
        .addSubcommand(new DemoCommand(job))
        .addSubcommand(new JobCommand(job))
        .addSubcommand(new TokensCommand())
        .addSubcommand(new RecommendCommand())
        .addSubcommand(new TrainCommand())
        .addSubcommand(new EncodeCommand())
        .addSubcommand(new QuantizeCommand())
        .setExecutionExceptionHandler(Failures.handler("sidstream", () -> main.verbose))
        .setCaseInsensitiveEnumValuesAllowed(true);
  }

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "name what to do, such as: sidstream demo");
  }
}
