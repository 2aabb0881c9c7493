package io.sidstream.cli.run;

import io.sidstream.job.JobEnvironment;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.config.Secrets;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.plugin.PluginUtils;
import org.apache.flink.runtime.checkpoint.CheckpointStatsSnapshot;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionVertex;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;

/** The job, running in a Flink MiniCluster of this process, with the web UI. */
public final class JobRun implements AutoCloseable {
  private final MiniCluster cluster;
  private final JobID job;
  private final CompletableFuture<JobResult> result;
  private final Optional<Path> restoredFrom;

  private JobRun(MiniCluster cluster, JobID job, Optional<Path> restoredFrom) {
    this.cluster = cluster;
    this.job = job;
    this.result = cluster.requestJobResult(job);
    this.restoredFrom = restoredFrom;
  }

  /**
   * Starts the job, from the newest complete checkpoint below the folder where there is one.
   *
   * @param config configuration of the job
   * @param checkpoints folder that checkpoints go to, or null where the configuration names none to
   *     go on from
   * @param uiPort port of the web UI; the next free one of the 100 from there on is taken
   * @param build adds the operators to the environment
   * @throws io.sidstream.cli.UsageException where that checkpoint is of a build whose operators are
   *     others; nothing was started or deleted then
   */
  public static JobRun start(JobConfig config, Path checkpoints, int uiPort, JobBuilder build)
      throws Exception {
    Configuration flink = defaults(config, uiPort);
    Optional<Path> from = checkpoints == null ? Optional.empty() : Checkpoints.newest(checkpoints);
    if (checkpoints != null) {
      flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, location(checkpoints));
      flink.set(
          CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
          ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    }
    from.ifPresent(
        path -> {
          flink.set(StateRecoveryOptions.SAVEPOINT_PATH, location(path));
          flink.set(StateRecoveryOptions.RESTORE_MODE, RecoveryClaimMode.CLAIM);
        });
    // Object stores are told here, and the cluster, whose configuration anybody sees in the web UI,
    // is not: Flink hides what it calls sensitive alone.
    FileSystem.initialize(flink, PluginUtils.createPluginManagerFromRootFolder(flink));
    Configuration shown = new Configuration(flink);
    flink
        .toMap()
        .keySet()
        .forEach(
            key -> {
              if (Secrets.isSecret(key) && !GlobalConfiguration.isSensitive(key)) {
                shown.removeKey(key);
              }
            });
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(shown);
    build.build(environment, config);
    StreamGraph graph = environment.getStreamGraph();
    graph.setJobName("sidstream");
    JobGraph jobGraph = graph.getJobGraph();
    if (from.isPresent()) {
      boolean drop = flink.get(StateRecoveryOptions.SAVEPOINT_IGNORE_UNCLAIMED_STATE);
      Checkpoints.requireOperators(from.get(), jobGraph, drop);
      Checkpoints.clean(checkpoints, from.get());
    }
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(shown)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(config.get(JobOptions.PARALLELISM))
                .build());
    cluster.start();
    try {
      JobID job = cluster.submitJob(jobGraph).get().getJobID();
      return new JobRun(cluster, job, from);
    } catch (ExecutionException e) {
      cluster.close();
      throw e.getCause() instanceof Exception cause ? cause : e;
    } catch (Exception e) {
      cluster.close();
      throw e;
    }
  }

  /**
   * A folder as Flink wants it: Flink takes the text as it is, so that a space must not be {@code
   * %20}.
   */
  private static String location(Path folder) {
    return "file://" + folder.toAbsolutePath();
  }

  /** What a small machine needs; {@code flink.*} keys of the configuration win. */
  private static Configuration defaults(JobConfig config, int uiPort) {
    Configuration flink = JobEnvironment.flink(config);
    flink.set(RestOptions.BIND_PORT, uiPort + "-" + Math.min(65535, uiPort + 99));
    flink.set(RestOptions.BIND_ADDRESS, "localhost");
    flink.set(RestOptions.ADDRESS, "localhost");
    flink.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(64));
    flink.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(64));
    flink.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    // A barrier waits for what lies in front of it: buffers full of texts are embedded for half a
    // minute before the first checkpoint goes through.
    flink.set(TaskManagerOptions.BUFFER_DEBLOAT_ENABLED, true);
    flink.set(TaskManagerOptions.BUFFER_DEBLOAT_TARGET, Duration.ofMillis(500));
    // Who watches the first training would see it jump every 10 s.
    flink.set(MetricOptions.METRIC_FETCHER_UPDATE_INTERVAL, Duration.ofSeconds(2));
    // A passing fault is ridden out; a job that fails again and again must end and say why.
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "exponential-delay");
    flink.set(
        RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF,
        Duration.ofMillis(500));
    flink.set(
        RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF,
        Duration.ofSeconds(10));
    flink.set(
        RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_RESET_BACKOFF_THRESHOLD,
        Duration.ofMinutes(2));
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_ATTEMPTS, 5);
    flink.addAll(config.flinkConfiguration());
    return flink;
  }

  /** Where the web UI is. */
  public URI ui() throws ExecutionException, InterruptedException {
    return cluster.getRestAddress().get();
  }

  /** The checkpoint that the job went on from, empty for a fresh start. */
  public Optional<Path> restoredFrom() {
    return restoredFrom;
  }

  /** Whether every task runs. */
  public boolean running() throws ExecutionException, InterruptedException {
    boolean any = false;
    for (AccessExecutionVertex vertex :
        cluster.getExecutionGraph(job).get().getAllExecutionVertices()) {
      if (vertex.getExecutionState() != ExecutionState.RUNNING) {
        return false;
      }
      any = true;
    }
    // A job that has only been taken has no task yet.
    return any;
  }

  /**
   * Waits until every task runs, or the job has failed.
   *
   * @return whether every task runs
   */
  public boolean awaitRunning() throws ExecutionException, InterruptedException {
    while (!result.isDone()) {
      if (running()) {
        return true;
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    return false;
  }

  /** The job's id in the REST API of {@link #ui}. */
  public JobID id() {
    return job;
  }

  /** The newest failure that the job restarted after, empty where there was none. */
  public Optional<Throwable> restartedAfter() throws ExecutionException, InterruptedException {
    if (result.isDone()) {
      return Optional.empty();
    }
    return Optional.ofNullable(cluster.getExecutionGraph(job).get().getFailureInfo())
        .map(info -> info.getException().deserializeError(JobRun.class.getClassLoader()));
  }

  /** Figures of the checkpoints of this run. */
  public CheckpointStatsSnapshot checkpoints() throws ExecutionException, InterruptedException {
    return cluster.getExecutionGraph(job).get().getCheckpointStatsSnapshot();
  }

  /** Why the job ended by itself, empty while it runs. */
  public Optional<Throwable> failure() throws ExecutionException, InterruptedException {
    if (!result.isDone()) {
      return Optional.empty();
    }
    JobResult end = result.get();
    Optional<Throwable> cause =
        end.getSerializedThrowable()
            .map(serialized -> serialized.deserializeError(JobRun.class.getClassLoader()));
    return Optional.of(
        cause.orElseGet(
            () ->
                new IllegalStateException(
                    "the job ended by itself: " + end.getJobStatus().orElse(null))));
  }

  /** Cancels the job, waits until its tasks have ended, and stops the cluster. Checkpoints stay. */
  @Override
  public void close() throws IOException {
    try {
      if (!result.isDone()) {
        cluster.cancelJob(job).get(30, TimeUnit.SECONDS);
        result.get(60, TimeUnit.SECONDS);
      }
      cluster.closeAsync().get(60, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException("the job does not stop: " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the job was stopping", e);
    }
  }
}
