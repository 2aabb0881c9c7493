package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.RawRecord;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import org.apache.flink.util.Collector;

/**
 * Tells the merge which token versions are committed, so that it begins no version before the last
 * one is complete. What is no version record goes to the dead letters.
 */
public class CommittedVersions extends LearnerMessages<VersionRecord, MergeInput> {
  /** For the versions topic of a configuration. */
  public CommittedVersions(JobConfig config) {
    super(config, VersionRecord.class, "a VersionRecord, which stays");
  }

  @Override
  void take(VersionRecord version, RawRecord record, Context context, Collector<MergeInput> out) {
    if (version.getState() == VersionState.COMMIT) {
      MergeInput event = new MergeInput();
      event.committed = version.getVersion();
      out.collect(event);
    }
  }
}
