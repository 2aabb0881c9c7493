package io.sidstream.cli.demo;

import io.sidstream.cli.Failures;
import io.sidstream.cli.Memory;
import io.sidstream.cli.ProcessorTime;
import io.sidstream.cli.feed.Feeder;
import io.sidstream.cli.run.JobRun;
import io.sidstream.cli.watch.FirstModel;
import io.sidstream.cli.watch.FlinkApi;
import io.sidstream.cli.watch.Monitor;
import io.sidstream.cli.watch.Progress;
import io.sidstream.cli.watch.Summary;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.runtime.checkpoint.CheckpointStatsSnapshot;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStatsSummarySnapshot;
import org.apache.flink.runtime.util.stats.StatsSummarySnapshot;

/** Shows how far a run of the demo is, and sees when it is to end. */
final class DemoWatch {
  private static final int LOOK_EVERY_MS = 250;

  private final JobRun run;
  private final Monitor monitor;
  private final Feeder feeder;
  private final AtomicReference<Throwable> feederFailure;
  private final Progress progress;
  private final long began;
  private final boolean live = Boolean.getBoolean("sidstream.tty");
  private final FlinkApi flink;
  private final FirstModel making;
  private long failedBefore = -1;
  private Summary.FirstVersion first;
  private String restarted = "";
  private String shown = "";

  /**
   * Nothing shown yet; every task runs.
   *
   * @param feederFailure what the feeder's thread ended with
   * @param began when the process did, {@link System#nanoTime}
   */
  DemoWatch(
      JobRun run,
      Monitor monitor,
      Feeder feeder,
      AtomicReference<Throwable> feederFailure,
      Progress progress,
      long began)
      throws ExecutionException, InterruptedException {
    this.run = run;
    this.monitor = monitor;
    this.feeder = feeder;
    this.feederFailure = feederFailure;
    this.progress = progress;
    this.began = began;
    flink = new FlinkApi(run.ui());
    making = new FirstModel(flink);
  }

  /**
   * Shows progress until all is done or the run is stopped.
   *
   * @param items what must have a token when all is done; null where only a stop ends the run
   * @throws IllegalStateException if the job, the feeder or the monitor has failed
   */
  void until(List<String> items, CountDownLatch stop, JobConfig config)
      throws InterruptedException, ExecutionException {
    // A version that the last round has just begun must have had the time to show itself.
    long settle =
        config.get(JobOptions.CHECKPOINT_INTERVAL).multipliedBy(2).plusSeconds(1).toNanos();
    long printEvery = Duration.ofMillis(live ? 1000 : 5000).toNanos();
    long printed = System.nanoTime() - printEvery;
    long completeSince = -1;
    while (!stop.await(LOOK_EVERY_MS, TimeUnit.MILLISECONDS)) {
      requireAll();
      if (failedBefore < 0 && run.running()) {
        // What is triggered before every task runs fails.
        failedBefore = failedCheckpoints();
      }
      if (first == null && progress.committedVersion() > 0) {
        first = new Summary.FirstVersion(seconds(), processorSeconds());
      }
      long now = System.nanoTime();
      if (now - printed >= printEvery) {
        printed = now;
        show();
      }
      boolean complete =
          items != null && feeder.done() && progress.complete(items, feeder.interactionsSent());
      completeSince = !complete ? -1 : completeSince < 0 ? now : completeSince;
      if (complete && now - completeSince >= settle) {
        break;
      }
    }
    if (live) {
      System.out.println();
    }
  }

  private void requireAll() throws ExecutionException, InterruptedException {
    Optional<Throwable> failure = run.failure();
    if (failure.isPresent()) {
      throw new IllegalStateException("the job failed", failure.get());
    }
    if (monitor.failure() != null) {
      throw new IllegalStateException("the output topics cannot be read", monitor.failure());
    }
    if (feederFailure.get() != null) {
      throw new IllegalStateException("the data cannot be sent", feederFailure.get());
    }
  }

  private void show() throws ExecutionException, InterruptedException {
    String restart = run.restartedAfter().map(Failures::describe).orElse("");
    if (!restart.equals(restarted)) {
      restarted = restart;
      System.out.println((live ? "\r\u001b[K" : "") + "the job has restarted: " + restart);
    }
    String line = progress.line(feeder.itemsSent(), feeder.interactionsSent());
    if (progress.committedVersion() == 0) {
      String steps = making.line();
      line = steps.isEmpty() ? line : steps + " | " + line;
    }
    if (live) {
      System.out.print("\r\u001b[K" + line);
    } else if (!line.equals(shown)) {
      // A log of the same line all the time hides what changes.
      System.out.println(line);
    }
    shown = line;
    System.out.flush();
  }

  /** What the run has cost so far. */
  Summary.Run cost() throws InterruptedException, ExecutionException {
    return new Summary.Run(
        seconds(),
        processorSeconds(),
        Memory.peakResidentBytes(),
        first,
        checkpoints(),
        flink.stepTimes().orElse(null));
  }

  private long failedCheckpoints() throws ExecutionException, InterruptedException {
    return run.checkpoints().getCounts().getNumberOfFailedCheckpoints();
  }

  private Summary.Checkpoints checkpoints() throws ExecutionException, InterruptedException {
    CheckpointStatsSnapshot all = run.checkpoints();
    CompletedCheckpointStatsSummarySnapshot completed = all.getSummaryStats();
    return new Summary.Checkpoints(
        all.getCounts().getNumberOfCompletedCheckpoints(),
        failedBefore < 0 ? 0 : all.getCounts().getNumberOfFailedCheckpoints() - failedBefore,
        figures(completed.getEndToEndDurationStats()),
        figures(completed.getCheckpointedSize()));
  }

  private static Summary.Figures figures(StatsSummarySnapshot of) {
    return of.getCount() == 0
        ? null
        : new Summary.Figures(of.getQuantile(.5), of.getQuantile(.99), of.getMaximum());
  }

  private double seconds() {
    return (System.nanoTime() - began) / 1e9;
  }

  private static double processorSeconds() {
    return ProcessorTime.nanos() / 1e9;
  }
}
