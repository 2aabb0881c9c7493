package io.sidstream.job.train;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.ingest.DeadLetterRecord;
import io.sidstream.job.ingest.RawRecord;
import io.sidstream.job.ingest.Rule;
import io.sidstream.job.kafka.EarlierVersions;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Tells the trainer which token versions are committed, so that it begins no version before the
 * last one is complete. What is no version record goes to the dead letters.
 *
 * <p>A job without state would take the commits of an earlier life for its own and give their
 * numbers again: it is ended here, without restarts, however it was submitted.
 */
public class CommittedVersions extends ProcessFunction<RawRecord, TrainEvent>
    implements CheckpointedFunction {
  private final JobConfig config;
  private transient WireFormat wire;

  /** Holds one entry: an operator without any state is not told that the job was restored. */
  private transient ListState<Integer> marker;

  /** For the versions topic of a configuration. */
  public CommittedVersions(JobConfig config) {
    this.config = config;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    marker =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("marker", Types.INT));
    if (!context.isRestored()) {
      try {
        EarlierVersions.refuse(config);
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
  public void open(OpenContext context) {
    wire = new WireFormat();
  }

  @Override
  public void processElement(RawRecord record, Context context, Collector<TrainEvent> out) {
    if (record.value == null) {
      reject(
          record,
          Rule.NULL_VALUE,
          "value is null; expected: a VersionRecord, which stays",
          context);
      return;
    }
    VersionRecord version;
    try {
      version = wire.decode(record.value, VersionRecord.class);
    } catch (WireFormatException e) {
      reject(record, Rule.of(e.problem()), e.getMessage(), context);
      return;
    }
    if (version.getState() == VersionState.COMMIT) {
      TrainEvent event = new TrainEvent();
      event.committed = version.getVersion();
      out.collect(event);
    }
  }

  /** The topic is the job's own, but anybody with access can write to it. */
  private void reject(RawRecord record, Rule rule, String reason, Context context) {
    context.output(
        DeadLetterRecord.DEAD_LETTERS,
        DeadLetterRecord.of(
            record,
            rule,
            reason,
            config.get(JobOptions.DEAD_LETTERS_MAX_BYTES),
            context.timerService().currentProcessingTime()));
  }
}
