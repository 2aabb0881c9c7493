package io.sidstream.job.publish;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.CommitPart;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.TrustedRecords;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Adds the parts of all Publish subtasks and says COMMIT: runs with parallelism 1. When watermark v
 * arrives every subtask has sent its part of v, because it sends it before the watermark. What was
 * committed is state, so that a watermark that comes again after a restart commits nothing.
 *
 * <p>When every Publish subtask has written its rows again, the last COMMIT is said again: its
 * checksums are those of the table as of its version, whatever was written since.
 */
public class CommitOperator extends AbstractStreamOperator<VersionRecord>
    implements OneInputStreamOperator<CommitPart, VersionRecord> {

  private transient ListState<Integer> committedState;
  private transient ListState<CommitPart> partsState;

  /** The last COMMIT said; empty before the first. */
  private transient ListState<VersionRecord> lastState;

  private transient int committed;

  /** Version to the sum of the parts that have arrived. */
  private transient TreeMap<Integer, CommitPart> parts;

  private transient VersionRecord last;

  /**
   * By subtask of Publish, the newest request for which it has written all of its rows again. Not
   * state: after a restart in between all of them begin again.
   */
  private transient int[] republished;

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    committedState =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("committed", Types.INT));
    partsState =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("parts", TypeInformation.of(CommitPart.class)));
    lastState =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("last", Records.type(VersionRecord.class)));
    committed = 0;
    parts = new TreeMap<>();
    republished = new int[0];
    if (context.isRestored()) {
      for (int version : committedState.get()) {
        committed = Math.max(committed, version);
      }
      for (CommitPart part : partsState.get()) {
        parts.put(part.version, part);
      }
      for (VersionRecord record : lastState.get()) {
        last = record;
      }
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    TrustedRecords.trust();
    int parallelism = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
    if (parallelism != 1) {
      throw new IllegalStateException(
          "Commit runs with parallelism " + parallelism + ": set it to 1");
    }
    JobMetric.COMMITTED_VERSION.gauge(getRuntimeContext().getMetricGroup(), () -> committed);
  }

  @Override
  public void processElement(StreamRecord<CommitPart> element) {
    CommitPart part = element.getValue();
    if (part.republishing > 0) {
      if (republished.length != part.republishing) {
        republished = new int[part.republishing];
      }
      republished[part.subtask] = part.version;
      boolean all = Arrays.stream(republished).allMatch(request -> request == part.version);
      if (all && last != null) {
        output.collect(new StreamRecord<>(last, last.getVersion()));
      }
      return;
    }
    parts.merge(part.version, part, CommitOperator::sum);
  }

  private static CommitPart sum(CommitPart a, CommitPart b) {
    CommitPart sum = new CommitPart();
    sum.version = a.version;
    sum.revision = Math.max(a.revision, b.revision);
    sum.items = a.items + b.items;
    sum.rows = a.rows + b.rows;
    sum.tombstones = a.tombstones + b.tombstones;
    sum.rowsChecksum = a.rowsChecksum + b.rowsChecksum;
    sum.tableChecksum = a.tableChecksum + b.tableChecksum;
    sum.oldItems = a.oldItems + b.oldItems;
    sum.movedItems = a.movedItems + b.movedItems;
    sum.changedCodes = sum(a.changedCodes, b.changedCodes);
    sum.changedPrefixes = sum(a.changedPrefixes, b.changedPrefixes);
    return sum;
  }

  private static long[] sum(long[] a, long[] b) {
    long[] sum = a.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += b[i];
    }
    return sum;
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    while (!parts.isEmpty() && parts.firstKey() <= mark.getTimestamp()) {
      CommitPart sum = parts.pollFirstEntry().getValue();
      if (sum.version > committed) {
        committed = sum.version;
        last = record(sum);
        output.collect(new StreamRecord<>(last, sum.version));
      }
    }
    super.processWatermark(mark);
  }

  private VersionRecord record(CommitPart sum) {
    VersionRecord commit = new VersionRecord();
    commit.setVersion(sum.version);
    commit.setState(VersionState.COMMIT);
    commit.setRevision(sum.revision);
    commit.setItems(sum.items);
    commit.setRows(sum.rows);
    commit.setTombstones(sum.tombstones);
    commit.setRowsChecksum(sum.rowsChecksum);
    commit.setTableChecksum(sum.tableChecksum);
    // BEGIN of this version says it; nothing of the model comes by here.
    commit.setModelDigest("");
    commit.setOldItems(sum.oldItems);
    commit.setMovedItems(sum.movedItems);
    commit.setChangedCodes(list(sum.changedCodes));
    commit.setChangedPrefixes(list(sum.changedPrefixes));
    commit.setTime(Instant.ofEpochMilli(getProcessingTimeService().getCurrentProcessingTime()));
    return commit;
  }

  private static List<Long> list(long[] values) {
    List<Long> list = new ArrayList<>(values.length);
    for (long value : values) {
      list.add(value);
    }
    return list;
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    committedState.update(List.of(committed));
    partsState.update(new ArrayList<>(parts.values()));
    lastState.update(last == null ? List.of() : List.of(last));
  }
}
