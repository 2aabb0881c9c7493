package io.sidstream.cli.submit;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.flink.FlinkCluster;
import io.sidstream.cli.flink.FlinkCluster.Job;
import io.sidstream.job.config.JobConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream submit}. */
@Command(
    name = "submit",
    mixinStandardHelpOptions = true,
    description = {
      "Start the job on a Flink cluster, or upgrade the one that runs there.",
      "A job that runs is stopped with a savepoint, and the new one goes on from it; after one that has ended, from its newest checkpoint or savepoint."
    },
    footer = {
      "",
      "Examples:",
      "  sidstream submit --cluster http://localhost:8081 --jar sidstream-job.jar --conf job.yaml --from nothing",
      "  sidstream submit --cluster http://localhost:8081 --jar sidstream-job.jar --conf job.yaml --set parallelism=4",
      "",
      "Exit codes: 0 every task runs, 1 failed, 2 asked for wrongly."
    })
public final class SubmitCommand implements Callable<Integer> {
  private static final String JOB = "sidstream";
  private static final String LATEST = "latest";
  private static final String NOTHING = "nothing";
  private static final long POLL_MS = 500;

  @Spec private CommandSpec spec;

  @Option(
      names = "--cluster",
      required = true,
      paramLabel = "URL",
      description = "Flink's REST address, such as http://localhost:8081.")
  private URI cluster;

  @Option(
      names = "--jar",
      required = true,
      paramLabel = "FILE",
      description = "The job's jar, sidstream-job.jar.")
  private Path jar;

  @Option(
      names = "--conf",
      paramLabel = "FILE",
      description = "Configuration, YAML; read here, and sent with the job.")
  private Path conf;

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A setting; wins over --conf.")
  private List<String> sets = new ArrayList<>();

  @Option(
      names = "--from",
      defaultValue = LATEST,
      paramLabel = "STATE",
      description =
          "latest (default), nothing for a first start, or where a checkpoint or savepoint is.")
  private String from;

  @Option(
      names = "--savepoints",
      paramLabel = "URI",
      description =
          "Folder for the savepoint that a running job is stopped with; without it the cluster's own.")
  private String savepoints;

  @Option(
      names = "--wait",
      defaultValue = "180",
      paramLabel = "SECONDS",
      description = "How long every task may take until it runs (default: ${DEFAULT-VALUE}).")
  private long seconds;

  @Option(
      names = "--stop-within",
      defaultValue = "600",
      paramLabel = "SECONDS",
      description =
          "How long the job that runs may take to make its savepoint and to end (default: ${DEFAULT-VALUE}).")
  private long stopSeconds;

  @Override
  public Integer call() throws Exception {
    List<String> arguments = arguments();
    FlinkCluster flink = new FlinkCluster(cluster);
    List<Job> jobs = flink.jobs(JOB);
    Optional<Job> running = jobs.stream().filter(Job::lives).findFirst();
    if (running.isPresent() && !from.equals(LATEST)) {
      throw new UsageException(
          "--from %s: job %s runs at %s; --from latest stops it with a savepoint and goes on from that"
              .formatted(from, running.get().id(), cluster));
    }
    String uploaded = flink.upload(jar);
    String state;
    String job;
    try {
      state = state(flink, jobs, running);
      job = run(flink, uploaded, arguments, state, running);
    } finally {
      flink.delete(uploaded);
    }
    say("job " + job + (state == null ? " starts" : " goes on from " + state));
    return await(flink, job);
  }

  private String run(
      FlinkCluster flink, String jar, List<String> arguments, String state, Optional<Job> stopped)
      throws IOException, InterruptedException {
    try {
      return flink.run(jar, arguments, state);
    } catch (IOException e) {
      if (stopped.isPresent()) {
        say("the job that ran is stopped; its savepoint is " + state);
      }
      throw e;
    }
  }

  private List<String> arguments() {
    if (seconds < 1) {
      throw new UsageException("--wait " + seconds + ": 1 or more");
    }
    if (stopSeconds < 1) {
      throw new UsageException("--stop-within " + stopSeconds + ": 1 or more");
    }
    if (cluster.getHost() == null || !List.of("http", "https").contains(cluster.getScheme())) {
      throw new UsageException(
          "--cluster " + cluster + ": an address such as http://localhost:8081");
    }
    if (!Files.isRegularFile(jar)) {
      throw new UsageException(
          "--jar %s is not there; './mvnw -pl flink-jobs -am -DskipTests package' makes flink-jobs/target/sidstream-job.jar"
              .formatted(jar));
    }
    // What is wrong is told before a job that runs is stopped for it.
    List<String> clear = JobConfig.load(conf, sets).secretsInClear();
    if (!clear.isEmpty()) {
      throw new UsageException(
          "%s stands in clear, and Flink shows the arguments of a job: write ${env:NAME}, ${file:/path:key} or ${dir:/path:name}, which must be there on the cluster, too"
              .formatted(clear.get(0)));
    }
    List<String> arguments = new ArrayList<>();
    JobConfig.texts(conf, sets)
        .forEach(
            (key, value) -> {
              arguments.add("--set");
              arguments.add(key + "=" + value);
            });
    return arguments;
  }

  /** What the job goes on from; null for nothing. */
  private String state(FlinkCluster flink, List<Job> jobs, Optional<Job> running)
      throws IOException, InterruptedException {
    if (from.equals(NOTHING)) {
      return null;
    }
    if (!from.equals(LATEST)) {
      return from;
    }
    if (running.isPresent()) {
      say("stopping job " + running.get().id() + " with a savepoint");
      return flink.stop(running.get(), savepoints, Duration.ofSeconds(stopSeconds));
    }
    for (Job job : jobs) {
      Optional<String> newest = flink.newestState(job);
      if (newest.isPresent()) {
        return newest.get();
      }
    }
    throw new UsageException(
        "--from latest: %s knows no checkpoint of a job '%s'; --from nothing starts the first, --from PATH goes on from a checkpoint that you name"
            .formatted(cluster, JOB));
  }

  private int await(FlinkCluster flink, String job) throws IOException, InterruptedException {
    long until = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    String state = flink.state(job);
    while (!state.equals("RUNNING") && !state.equals("FAILED") && System.nanoTime() < until) {
      TimeUnit.MILLISECONDS.sleep(POLL_MS);
      state = flink.state(job);
    }
    if (state.equals("RUNNING")) {
      say("every task of job " + job + " runs");
      return 0;
    }
    String failure = flink.failure(job);
    throw new IOException(
        "job %s is %s%s%s"
            .formatted(
                job,
                state,
                state.equals("FAILED") ? "" : " after " + seconds + " s",
                failure.isEmpty() ? "" : ": " + failure));
  }

  private void say(String line) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(line);
    out.flush();
  }
}
