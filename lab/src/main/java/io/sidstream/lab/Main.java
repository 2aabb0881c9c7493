package io.sidstream.lab;

import io.sidstream.cli.Failures;
import io.sidstream.cli.Version;
import io.sidstream.cli.run.JobBuilder;
import io.sidstream.job.SidstreamJob;
import io.sidstream.lab.bench.BenchCommand;
import io.sidstream.lab.tiger.TigerCommand;
import io.sidstream.lab.train.LeaveOneOutExperiments;
import io.sidstream.lab.train.PrequentialExperiments;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code lab} command: what is measured and compared, and not shipped. Exit codes as there. */
@Command(
    name = "lab",
    description = "Benchmarks, baselines and experiments beside sidstream.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
public final class Main implements Callable<Integer> {
  private static final String LOG = "log4j2.configurationFile";

  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of a failure.")
  private boolean verbose;

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] args) {
    // Flink's harness brings a log4j2-test.properties that says nothing, and that comes first.
    if (System.getProperty(LOG) == null) {
      System.setProperty(LOG, "classpath:log4j2.properties");
    }
    System.exit(commandLine(SidstreamJob::build).execute(args));
  }

  /**
   * The command with its error handling.
   *
   * @param job the job that is measured
   */
  static CommandLine commandLine(JobBuilder job) {
    Main main = new Main();
    BenchCommand bench = new BenchCommand(job);
    return new CommandLine(main)
        .addSubcommand(new CommandLine(bench).addSubcommand(bench.jobBench()))
        .addSubcommand(new LeaveOneOutExperiments())
        .addSubcommand(new PrequentialExperiments())
        .addSubcommand(new TigerCommand())
        .setExecutionExceptionHandler(Failures.handler("lab", () -> main.verbose))
        .setCaseInsensitiveEnumValuesAllowed(true);
  }

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "name what to do, such as: lab bench encode");
  }
}
