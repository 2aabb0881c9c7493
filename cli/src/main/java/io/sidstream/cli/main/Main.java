package io.sidstream.cli.main;

import io.sidstream.cli.Failures;
import io.sidstream.cli.Version;
import io.sidstream.cli.demo.DemoCommand;
import io.sidstream.cli.embed.EmbedCommand;
import io.sidstream.cli.encode.EncodeCommand;
import io.sidstream.cli.encode.QuantizeCommand;
import io.sidstream.cli.init.InitCommand;
import io.sidstream.cli.load.LoadCommand;
import io.sidstream.cli.recommend.RecommendCommand;
import io.sidstream.cli.report.ReportCommand;
import io.sidstream.cli.run.JobBuilder;
import io.sidstream.cli.run.JobCommand;
import io.sidstream.cli.status.ExplainCommand;
import io.sidstream.cli.status.StatusCommand;
import io.sidstream.cli.status.TopCommand;
import io.sidstream.cli.submit.SubmitCommand;
import io.sidstream.cli.tokens.TokensCommand;
import io.sidstream.cli.train.TrainCommand;
import io.sidstream.cli.ui.UiCommand;
import io.sidstream.job.SidstreamJob;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
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
    versionProvider = Version.class,
    subcommands = CommandLine.HelpCommand.class,
    footer = {
      "",
      "Examples:",
      "  sidstream demo",
      "  sidstream load items items.jsonl --bootstrap localhost:9092",
      "  sidstream status --bootstrap localhost:9092",
      "  source <(sidstream completion)   # names of commands and options in bash and zsh",
      "",
      "Exit codes: 0 done, 1 failed, 2 asked for wrongly; 'status' has 3 for unhealthy."
    })
public final class Main implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of a failure.")
  private boolean verbose;

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] args) {
    // The same lines under every locale.
    Locale.setDefault(Locale.ROOT);
    System.setOut(utf8(FileDescriptor.out));
    System.setErr(utf8(FileDescriptor.err));
    System.exit(run(args));
  }

  private static PrintStream utf8(FileDescriptor to) {
    return new PrintStream(new FileOutputStream(to), true, StandardCharsets.UTF_8);
  }

  /** Runs the command. */
  static int run(String... args) {
    return commandLine(SidstreamJob::build)
        .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
        .execute(args);
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
        .addSubcommand(new InitCommand())
        .addSubcommand(new JobCommand(job))
        .addSubcommand(new SubmitCommand())
        .addSubcommand(new LoadCommand())
        .addSubcommand(new StatusCommand())
        .addSubcommand(new TopCommand())
        .addSubcommand(new ExplainCommand())
        .addSubcommand(new ReportCommand())
        .addSubcommand(new UiCommand())
        .addSubcommand(new TokensCommand())
        .addSubcommand(new RecommendCommand())
        .addSubcommand(new TrainCommand())
        .addSubcommand(new EmbedCommand())
        .addSubcommand(new EncodeCommand())
        .addSubcommand(new QuantizeCommand())
        .addSubcommand("completion", new AutoComplete.GenerateCompletion())
        .setParameterExceptionHandler(Main::refuse)
        .setExecutionExceptionHandler(Failures.handler("sidstream", () -> main.verbose))
        .setCaseInsensitiveEnumValuesAllowed(true);
  }

  /** What is wrong, how it is called, and where more is said: three lines, not the whole help. */
  private static int refuse(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("sidstream: " + e.getMessage());
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, err)) {
      String name = command.getCommandSpec().qualifiedName();
      boolean parts = !command.getSubcommands().isEmpty();
      err.println("usage: " + name + (parts ? " COMMAND ..." : " [OPTION]... [ARGUMENT]..."));
      err.println("'" + name + " --help' says more");
    }
    err.flush();
    return CommandLine.ExitCode.USAGE;
  }

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "name what to do, such as: sidstream demo");
  }
}
