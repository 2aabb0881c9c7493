package io.sidstream.job.learn;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.EarlierVersions;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.RawRecord;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.util.Collector;

/**
 * Tells the merge which token versions are committed, so that it begins no version before the last
 * one is complete. What is no version record goes to the dead letters.
 *
 * <p>A job without state would take the commits of an earlier life for its own and give their
 * numbers again: it is ended here, without restarts, however it was submitted.
 */
public class CommittedVersions extends LearnerMessages<VersionRecord, MergeInput>
    implements CheckpointedFunction {
  /** Holds one entry: an operator without any state is not told that the job was restored. */
  private transient ListState<Integer> marker;

  /** For the versions topic of a configuration. */
  public CommittedVersions(JobConfig config) {
    super(config, VersionRecord.class, "a VersionRecord, which stays");
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    marker =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("marker", Types.INT));
    if (!context.isRestored()) {
      try {
        EarlierVersions.refuse(config());
      } catch (ConfigException e) {
        throw new SuppressRestartsException(e);
      }
    }
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    marker.update(List.of(1));
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
