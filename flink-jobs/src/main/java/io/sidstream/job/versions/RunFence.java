package io.sidstream.job.versions;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.RunClaims;
import io.sidstream.job.record.RawRecord;
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
 * Ends the job when another run begins on its topics: the control topic passes through here, all
 * but the START messages. {@link VersionLedger} says that of this run, once nothing speaks against
 * its start; a START behind it is of a run that began later. Runs with parallelism 1.
 */
public final class RunFence extends ProcessFunction<RawRecord, RawRecord>
    implements CheckpointedFunction {
  private final JobConfig config;
  private final String run;

  /** The run whose START was the newest that was read. */
  private transient ListState<String> readState;

  private transient boolean begun;

  /**
   * @param run identifier of this run
   */
  public RunFence(JobConfig config, String run) {
    this.config = config;
    this.run = run;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    readState =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("run", Types.STRING));
    begun = false;
    for (String read : readState.get()) {
      // Of a state that another run left, the START of this one is still to come.
      begun = read.equals(run);
    }
  }

  @Override
  public void processElement(RawRecord record, Context context, Collector<RawRecord> out) {
    RunClaims.Start start = RunClaims.of(record.key, record.value);
    if (start == null) {
      out.collect(record);
    } else if (start.run().equals(run)) {
      begun = true;
    } else if (begun) {
      // To try again would not help.
      throw new SuppressRestartsException(RunClaims.lost(config, start));
    }
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    readState.clear();
    if (begun) {
      readState.add(run);
    }
  }
}
