package io.sidstream.job;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.time.Duration;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.state.rocksdb.RocksDBOptions;

/** What the job asks of Flink. */
public final class JobEnvironment {
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
    String dir = config.get(JobOptions.CHECKPOINT_DIR);
    if (dir != null) {
      flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, dir);
    }
    flink.addAll(config.flinkConfiguration());
    return flink;
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
