package io.sidstream.job.publish;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.CommitPart;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.TokenRow;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/**
 * Turns resolved tokens into rows of the token table. Keyed by item. Answers that are older than
 * what the item has (a move is answered by two subtasks, which may overtake each other) are
 * dropped, and only what differs is written: a token that stays is written again only where the
 * quantizer's choice before repair differs, because that is what readers rank with.
 *
 * <p>On watermark v the counts and checksums of this subtask's part of the table go to {@link
 * #PARTS}, then the watermark goes on. The sums are operator state that may be redistributed in any
 * way. A watermark that was counted before a restart is passed on and not counted again.
 *
 * <p>After a deletion a stub stays until no older answer of the item can be under way: answers
 * older than a deletion under version v were sent before {@code Watermark(v + 1)}.
 */
public class PublishOperator extends AbstractStreamOperator<TokenRow>
    implements OneInputStreamOperator<Resolved, TokenRow>, Triggerable<String, VoidNamespace> {

  /** Side output: one part per version and subtask. */
  public static final OutputTag<CommitPart> PARTS =
      new OutputTag<>("commit-parts", TypeInformation.of(CommitPart.class));

  private final int levels;

  private transient ValueState<byte[]> published;
  private transient ListState<long[]> sumsState;

  /** Union: {last version counted, newest revision}. */
  private transient ListState<long[]> countedState;

  private transient TableSums sums;
  private transient int counted;
  private transient long revision;
  private transient InternalTimerService<VoidNamespace> timers;

  private transient Counter rows;
  private transient Counter tombstones;
  private transient Counter droppedOld;
  private transient Counter unchanged;

  /**
   * @param levels quantizer levels
   */
  public PublishOperator(int levels) {
    this.levels = levels;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    published =
        context
            .getKeyedStateStore()
            .getState(
                new ValueStateDescriptor<>(
                    "published", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    sumsState =
        context
            .getOperatorStateStore()
            .getListState(
                new ListStateDescriptor<>(
                    "sums", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    countedState =
        context
            .getOperatorStateStore()
            .getUnionListState(
                new ListStateDescriptor<>(
                    "counted", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    sums = new TableSums(levels);
    counted = 0;
    revision = 0;
    if (context.isRestored()) {
      for (long[] part : sumsState.get()) {
        sums.add(part);
      }
      // The same in every subtask: with aligned barriers all of them have seen the same watermarks.
      for (long[] subtask : countedState.get()) {
        counted = Math.max(counted, (int) subtask[0]);
        revision = Math.max(revision, subtask[1]);
      }
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    timers = getInternalTimerService("stubs", VoidNamespaceSerializer.INSTANCE, this);
    MetricGroup metrics = getRuntimeContext().getMetricGroup();
    rows = JobMetric.ROWS.counter(metrics);
    tombstones = JobMetric.TOMBSTONES.counter(metrics);
    droppedOld = JobMetric.DROPPED_OLD.counter(metrics);
    unchanged = JobMetric.TOKENS_UNCHANGED.counter(metrics);
    JobMetric.TABLE_ITEMS.gauge(metrics, () -> sums.items());
  }

  @Override
  public void processElement(StreamRecord<Resolved> element) throws Exception {
    Resolved resolved = element.getValue();
    revision = Math.max(revision, resolved.revision);
    PublishedToken known = PublishedToken.fromBytes(published.value());
    if (known != null && resolved.seq <= known.seq()) {
      droppedOld.inc();
      return;
    }
    PublishedToken.Ref token =
        resolved.deleted
            ? null
            : new PublishedToken.Ref(resolved.version, resolved.codes, resolved.suffix);
    PublishedToken.Ref current = known == null ? null : known.token();
    int chosen = resolved.deleted ? PublishedToken.NOT_KNOWN : resolved.nearest[levels - 1];
    if (token == null ? current == null : token.sameToken(current) && known.chosen() == chosen) {
      PublishedToken seen =
          new PublishedToken(
              resolved.seq,
              resolved.version,
              known == null ? 0 : known.commit(),
              current,
              known == null ? null : known.before(),
              chosen);
      published.update(seen.toBytes());
      if (token == null) {
        timers.registerEventTimeTimer(VoidNamespace.INSTANCE, resolved.version + 1L);
      }
      unchanged.inc();
      return;
    }
    int commit = Math.max(resolved.version, counted + 1);
    PublishedToken.Ref before = known == null ? null : known.previousFor(commit);
    PublishedToken now =
        new PublishedToken(resolved.seq, resolved.version, commit, token, before, chosen);
    sums.replace(resolved.item, commit, known, now);
    published.update(now.toBytes());
    if (token == null) {
      timers.registerEventTimeTimer(VoidNamespace.INSTANCE, resolved.version + 1L);
      tombstones.inc();
    } else {
      rows.inc();
    }
    output.collect(new StreamRecord<>(row(resolved, commit, before), element.getTimestamp()));
  }

  private static TokenRow row(Resolved resolved, int commit, PublishedToken.Ref before) {
    TokenRow row = new TokenRow();
    row.item = resolved.item;
    row.removed = resolved.deleted;
    row.version = resolved.version;
    row.commit = commit;
    row.revision = resolved.revision;
    row.codes = resolved.codes;
    row.suffix = resolved.suffix;
    row.nearest = resolved.nearest;
    row.distances = resolved.distances;
    row.margins = resolved.margins;
    row.time = resolved.time;
    if (before != null) {
      row.previous = new TokenRow.Previous();
      row.previous.version = before.version();
      row.previous.codes = before.codes();
      row.previous.suffix = before.suffix();
    }
    return row;
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    // The end of a bounded stream is no version.
    if (mark.getTimestamp() > counted && mark.getTimestamp() <= Integer.MAX_VALUE) {
      counted = (int) mark.getTimestamp();
      int subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
      output.collect(
          PARTS, new StreamRecord<>(sums.commit(counted, subtask, revision), mark.getTimestamp()));
    }
    super.processWatermark(mark);
  }

  /**
   * Removes the stub of a deleted item, unless the item was created again or deleted under a later
   * version.
   */
  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    PublishedToken known = PublishedToken.fromBytes(published.value());
    if (known != null && known.token() == null && known.version() < timer.getTimestamp()) {
      published.clear();
    }
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("Publish sets no processing-time timers");
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    sumsState.update(List.of(sums.toArray()));
    countedState.update(List.of(new long[] {counted, revision}));
  }
}
