package io.sidstream.lab.bench;

import io.sidstream.cli.run.JobBuilder;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lab bench}: measures. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measure how fast the parts are; each prints one JSON object.",
    subcommands = {BenchEncode.class, BenchTrain.class, BenchResolve.class, BenchLearn.class})
public final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private final JobBuilder job;

  /** With the job that is measured. */
  public BenchCommand(JobBuilder job) {
    this.job = job;
  }

  /** The benchmark of the whole job. */
  public JobBench jobBench() {
    return new JobBench(job);
  }

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(), "name what to measure, such as: lab bench job");
  }
}
