package io.sidstream.job.train;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.ingest.RawRecord;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import org.apache.flink.util.Collector;

/**
 * Tells the trainer which token versions are committed, so that it begins no version before the
 * last one is complete. What is no version record goes to the dead letters.
 */
public class CommittedVersions extends TrainerMessages<VersionRecord> {
  /** For the versions topic of a configuration. */
  public CommittedVersions(JobConfig config) {
    super(config, VersionRecord.class, "a VersionRecord, which stays");
  }

  @Override
  void take(VersionRecord version, RawRecord record, Context context, Collector<TrainEvent> out) {
    if (version.getState() == VersionState.COMMIT) {
      TrainEvent event = new TrainEvent();
      event.committed = version.getVersion();
      out.collect(event);
    }
  }
}
