package io.sidstream.lab.bench;

import io.sidstream.cli.ProcessorTime;
import io.sidstream.cli.run.JobBuilder;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStats;
import org.apache.flink.runtime.testutils.InMemoryReporter;

/**
 * A job that is measured, with topics, checkpoints and a load of its own. It is started again and
 * again, each time from its newest checkpoint.
 */
final class BenchedJob implements AutoCloseable {
  private static final int UI_PORT = 18_300;
  private static final long BLOCK_TIMEOUT_S = 180;
  private static final long SETTLE_MS = 1_500;

  final String name;
  final JobConfig config;
  final RecordLoad load;

  /** Items that were sent. */
  long items;

  private final List<String> settings;
  private final JobBuilder build;
  private final Path checkpoints;

  /** The operator that all interactions reach, and whether all items do as well. */
  private final String last;

  private final boolean itemsReachIt;

  /**
   * Makes its topics.
   *
   * @param settings of the job, key=value
   * @param checkpoints folder that they go to
   * @param last the last operator on the interactions' way
   * @param itemsReachIt whether that operator reads every item, too
   */
  BenchedJob(
      String name,
      List<String> settings,
      JobBuilder build,
      Path checkpoints,
      String last,
      boolean itemsReachIt)
      throws InterruptedException {
    this.name = name;
    this.settings = List.copyOf(settings);
    this.build = build;
    this.checkpoints = checkpoints;
    this.last = last;
    this.itemsReachIt = itemsReachIt;
    config = JobConfig.load(null, settings);
    Topics.create(config);
    load = new RecordLoad(config, config.get(JobOptions.SEED));
  }

  /**
   * Starts it, and waits until it runs.
   *
   * @param metrics of this run alone: a cluster that ends takes its reporters with it
   * @param more settings of this run, which win
   */
  JobRun start(InMemoryReporter metrics, List<String> more) throws Exception {
    List<String> all = new ArrayList<>(settings);
    all.addAll(more);
    metrics
        .addToConfiguration(new Configuration())
        .toMap()
        .forEach((key, value) -> all.add("flink." + key + "=" + value));
    JobRun run = JobRun.start(JobConfig.load(null, all), checkpoints, UI_PORT, build);
    if (!run.awaitRunning()) {
      Throwable failure = run.failure().orElse(null);
      run.close();
      throw new IllegalStateException("the " + name + " does not run", failure);
    }
    return run;
  }

  /** Bytes of all that the newest checkpoint refers to, of earlier ones too; 0 for none. */
  long stateBytes(JobRun run) throws Exception {
    CompletedCheckpointStats newest = run.checkpoints().getHistory().getLatestCompletedCheckpoint();
    return newest == null ? 0 : newest.getStateSize();
  }

  /** Fails where the run has. */
  void requireRunning(JobRun run) throws Exception {
    Optional<Throwable> failure = run.failure();
    if (failure.isPresent()) {
      throw new IllegalStateException("the " + name + " failed", failure.get());
    }
  }

  /**
   * Of a block.
   *
   * @param records of both kinds
   * @param items seconds from when they could be seen to when they were done; 0 for none
   * @param interactions seconds as well
   * @param cpuNanos processor time of this process meanwhile
   * @param threads what its threads had used before
   */
  record Times(
      int records, double items, double interactions, long cpuNanos, ThreadTimes.Used threads) {}

  /** Sends a block of new items and interactions and waits until it is done. */
  Times block(JobRun run, Arrivals arrivals, int newItems, int interactions) throws Exception {
    long firstItem = items;
    items += newItems;
    arrivals.expect(firstItem, newItems);
    // What a restart reads again, and the last block's items on their way to the trainer, are no
    // part of this block.
    TimeUnit.MILLISECONDS.sleep(SETTLE_MS);
    long reached = arrivals.read(last) + interactions + (itemsReachIt ? newItems : 0);
    long committedAt = load.write(newItems, interactions);
    ThreadTimes.Used threads = ThreadTimes.now();
    long cpu = ProcessorTime.nanos();
    double itemsDone = newItems == 0 ? 0 : -1;
    double interactionsDone = interactions == 0 ? 0 : -1;
    while (itemsDone < 0 || interactionsDone < 0) {
      boolean rows = arrivals.poll();
      double now = (System.nanoTime() - committedAt) / 1e9;
      if (itemsDone < 0 && rows) {
        itemsDone = now;
      }
      if (interactionsDone < 0 && arrivals.read(last) >= reached) {
        interactionsDone = (System.nanoTime() - committedAt) / 1e9;
      }
      requireRunning(run);
      if (now > BLOCK_TIMEOUT_S) {
        throw new IllegalStateException(
            String.format(
                "the %s has not done %d items and %d interactions in %d s: %d rows are there, %s has %d records to read",
                name,
                newItems,
                interactions,
                BLOCK_TIMEOUT_S,
                arrivals.rows(),
                last,
                Math.max(0, reached - arrivals.read(last))));
      }
    }
    long used = ProcessorTime.nanos() - cpu;
    return new Times(newItems + interactions, itemsDone, interactionsDone, used, threads);
  }

  @Override
  public void close() {
    load.close();
  }
}
