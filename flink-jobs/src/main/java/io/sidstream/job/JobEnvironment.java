package io.sidstream.job;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.time.Duration;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.state.rocksdb.RocksDBConfigurableOptions;
import org.apache.flink.state.rocksdb.RocksDBOptions;
import org.apache.flink.state.rocksdb.sstmerge.RocksDBManualCompactionOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the job asks of Flink. */
public final class JobEnvironment {
  private static final Logger LOG = LoggerFactory.getLogger(JobEnvironment.class);

  private JobEnvironment() {}

  /**
   * Flink's configuration for the job: exactly once, aligned, incremental RocksDB checkpoints, no
   * generic (Kryo) types. Whatever it says wins over a cluster's own configuration.
   */
  public static Configuration flink(JobConfig config) {
    Configuration flink = new Configuration();
    flink.set(PipelineOptions.GENERIC_TYPES, false);
    flink.set(PipelineOptions.OBJECT_REUSE, true);
    flink.set(
        CheckpointingOptions.CHECKPOINTING_INTERVAL, config.get(JobOptions.CHECKPOINT_INTERVAL));
    flink.set(CheckpointingOptions.CHECKPOINTING_TIMEOUT, config.checkpointTimeout());
    // One slow checkpoint, or one that a full disk or a lost TaskManager ends, is no reason to
    // start again from the one before; and the next is not to begin the moment a slow one ends.
    flink.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, 2);
    flink.set(
        CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS,
        config.get(JobOptions.CHECKPOINT_INTERVAL).dividedBy(2));
    // The one before the newest is there where the newest cannot be read. Of a job by itself: on a
    // cluster Flink asks the cluster's configuration alone.
    flink.set(CheckpointingOptions.MAX_RETAINED_CHECKPOINTS, 2);
    flink.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
    // A watermark says that a version is complete, and does not overtake its rows; a barrier that
    // overtakes them would part the two.
    flink.set(CheckpointingOptions.ENABLE_UNALIGNED, false);
    flink.set(CheckpointingOptions.FORCE_UNALIGNED, false);
    flink.set(CheckpointingOptions.ALIGNED_CHECKPOINT_TIMEOUT, Duration.ZERO);
    flink.set(ExecutionOptions.RUNTIME_MODE, RuntimeExecutionMode.STREAMING);
    flink.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
    flink.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    flink.set(
        StateBackendOptions.STATE_BACKEND,
        config.get(JobOptions.STATE_BACKEND) == JobOptions.StateBackend.ROCKSDB
            ? "rocksdb"
            : "hashmap");
    flink.set(RocksDBOptions.OPTIONS_FACTORY, LeanRocksDb.class.getName());
    // State is asked for every item, user and event, also for those that are new. Index and filter
    // of a file are of megabytes; in parts they stay in a cache that does not hold them all.
    flink.set(RocksDBConfigurableOptions.USE_BLOOM_FILTER, true);
    flink.set(RocksDBOptions.USE_PARTITIONED_INDEX_FILTERS, true);
    // Keys are spread over all of a state, and a checkpoint a second leaves a small file a second:
    // of four of them RocksDB makes one with all that is in the level below, which by default grows
    // to 256 MB before it has a level of its own below it. With small levels a checkpoint costs
    // what has changed, and not what is there.
    flink.set(RocksDBConfigurableOptions.MAX_SIZE_LEVEL_BASE, MemorySize.ofMebiBytes(8));
    flink.set(RocksDBConfigurableOptions.TARGET_FILE_SIZE_BASE, MemorySize.ofMebiBytes(8));
    flink.set(RocksDBConfigurableOptions.USE_DYNAMIC_LEVEL_SIZE, true);
    // What a round leaves is written at once, 14 MB at the default sizes. Of it the next checkpoint
    // flushes what does not fill a buffer, while the operator waits; the rest is on the disk by
    // then.
    flink.set(RocksDBConfigurableOptions.WRITE_BUFFER_SIZE, MemorySize.ofMebiBytes(4));
    // Numbers that only rise, as those of items do, leave a file every few checkpoints that RocksDB
    // would merge with none until they are 256 MB together (FLINK-26050).
    flink.set(RocksDBManualCompactionOptions.MIN_INTERVAL, Duration.ofMinutes(1));
    String dir = config.get(JobOptions.CHECKPOINT_DIR);
    if (dir != null) {
      flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, dir);
    }
    flink.addAll(config.flinkConfiguration());
    return flink;
  }

  /**
   * The configuration with the parallelism that the job is submitted with, where it names none
   * itself; where it does and the two differ, its own counts and that is said.
   *
   * @param flink what is in effect: the cluster's configuration and the job's
   */
  public static JobConfig withParallelismOf(ReadableConfig flink, JobConfig config) {
    int own = config.get(JobOptions.PARALLELISM);
    int submitted = flink.getOptional(CoreOptions.DEFAULT_PARALLELISM).orElse(own);
    if (submitted == own) {
      return config;
    }
    if (!config.isSet(JobOptions.PARALLELISM)) {
      return config.with(JobOptions.PARALLELISM, submitted);
    }
    LOG.warn(
        "{} is {}, as the job's configuration says; the {} that it is submitted with (flink run -p, {}) is not used",
        JobOptions.PARALLELISM.key(),
        own,
        submitted,
        CoreOptions.DEFAULT_PARALLELISM.key());
    return config;
  }

  /**
   * Refuses to begin where checkpoints would stay in the JobManager's memory: it takes 5 MiB of an
   * operator's state, less than a model has, and all is gone with the process.
   *
   * @param flink what is in effect: the cluster's configuration and the job's
   * @throws ConfigException names the settings
   */
  public static void requireCheckpointFolder(ReadableConfig flink) {
    String storage = flink.get(CheckpointingOptions.CHECKPOINT_STORAGE);
    if ("jobmanager".equalsIgnoreCase(storage)) {
      throw new ConfigException(
          "Flink's "
              + CheckpointingOptions.CHECKPOINT_STORAGE.key()
              + " is '"
              + storage
              + "', which keeps checkpoints in memory; set it to 'filesystem' or remove it");
    }
    if (flink.get(CheckpointingOptions.CHECKPOINTS_DIRECTORY) == null) {
      throw new ConfigException(
          "there is no folder for checkpoints: set "
              + JobOptions.CHECKPOINT_DIR.key()
              + " to one that JobManager and TaskManagers reach (such as --set checkpoint.dir=file:///checkpoints),"
              + " or Flink's own "
              + CheckpointingOptions.CHECKPOINTS_DIRECTORY.key()
              + " where the job is submitted");
    }
  }
}
