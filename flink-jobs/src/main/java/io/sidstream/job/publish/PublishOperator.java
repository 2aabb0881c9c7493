package io.sidstream.job.publish;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.CommitPart;
import io.sidstream.job.record.Republish;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.TokenRow;
import java.util.List;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
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
 * older than a deletion under version v were sent before {@code Watermark(v + 1)}. It stays for
 * some versions more, so that a tombstone that was lost with its transaction can be written again.
 *
 * <p>Second input, broadcast: requests to write every row again, as it was written. That is done in
 * slices between other work, and begun anew after a restart; several requests that come together
 * are one. When it is done a part that says so goes to {@link #PARTS}.
 */
public class PublishOperator extends AbstractStreamOperator<TokenRow>
    implements TwoInputStreamOperator<Resolved, Republish, TokenRow>,
        Triggerable<String, VoidNamespace> {

  /** Side output: one part per version and subtask. */
  public static final OutputTag<CommitPart> PARTS =
      new OutputTag<>("commit-parts", TypeInformation.of(CommitPart.class));

  private static final String PUBLISHED = "published";

  /** Versions for which the stub of a deleted item stays. */
  private static final int STUB_VERSIONS = 8;

  /** Rows that are written again in one mail. */
  private static final int SLICE = 512;

  /** Requests of one restart come one after another, one of each sink's subtask. */
  private static final long GATHER_MS = 1_000;

  private final int levels;

  private transient ValueState<byte[]> published;
  private transient ListState<long[]> sumsState;

  /** Union: {last version counted, newest revision}. */
  private transient ListState<long[]> countedState;

  private transient TableSums sums;
  private transient int counted;
  private transient long revision;
  private transient InternalTimerService<VoidNamespace> timers;

  /** Union: one entry a subtask that has rows to write again. */
  private transient ListState<Integer> republishState;

  private transient boolean republish;

  /** Requests to write again that came in this run; each subtask is given all of them, in order. */
  private transient int requests;

  private transient RowScan scan;
  private transient MailboxExecutor mailbox;
  private transient boolean closed;

  private transient Counter rows;
  private transient Counter tombstones;
  private transient Counter droppedOld;
  private transient Counter unchanged;
  private transient Counter republished;
  private transient Histogram latency;

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
                    PUBLISHED, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
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
    republishState =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("republish", Types.INT));
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
      republish = republishState.get().iterator().hasNext();
      requests = republish ? 1 : 0;
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    timers = getInternalTimerService("stubs", VoidNamespaceSerializer.INSTANCE, this);
    MetricGroup metrics = getMetricGroup();
    rows = JobMetric.ROWS.counter(metrics);
    tombstones = JobMetric.TOMBSTONES.counter(metrics);
    droppedOld = JobMetric.DROPPED_OLD.counter(metrics);
    unchanged = JobMetric.TOKENS_UNCHANGED.counter(metrics);
    republished = JobMetric.REPUBLISHED_ROWS.counter(metrics);
    latency = JobMetric.ITEM_LATENCY.histogram(metrics);
    JobMetric.TABLE_ITEMS.gauge(metrics, () -> sums.items());
    mailbox =
        getContainingTask()
            .getMailboxExecutorFactory()
            .createExecutor(getOperatorConfig().getChainIndex());
    if (republish) {
      republishLater();
    }
  }

  @Override
  public void processElement1(StreamRecord<Resolved> element) throws Exception {
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
    // Of an item that is not known at all a run from a newer checkpoint may have left a row.
    boolean same =
        known != null
            && (token == null
                ? current == null
                : token.sameToken(current) && known.chosen() == chosen);
    if (same) {
      PublishedToken seen =
          new PublishedToken(
              resolved.seq, resolved.version, known.commit(), current, known.before(), known.why());
      published.update(seen.toBytes());
      if (token == null) {
        timers.registerEventTimeTimer(VoidNamespace.INSTANCE, resolved.version + STUB_VERSIONS);
      }
      unchanged.inc();
      return;
    }
    int commit = Math.max(resolved.version, counted + 1);
    PublishedToken.Ref before = known == null ? null : known.previousFor(commit);
    PublishedToken now =
        new PublishedToken(
            resolved.seq,
            resolved.version,
            commit,
            token,
            before,
            token == null ? null : why(resolved));
    sums.replace(resolved.item, commit, known, now);
    published.update(now.toBytes());
    if (token == null) {
      timers.registerEventTimeTimer(VoidNamespace.INSTANCE, resolved.version + STUB_VERSIONS);
      tombstones.inc();
    } else {
      rows.inc();
      if (resolved.arrived > 0) {
        // A producer's clock may be ahead of this machine's.
        long time = getProcessingTimeService().getCurrentProcessingTime();
        latency.update(Math.max(0, time - resolved.arrived));
      }
    }
    output.collect(new StreamRecord<>(row(resolved.item, now), element.getTimestamp()));
  }

  private PublishedToken.Why why(Resolved resolved) {
    return new PublishedToken.Why(
        resolved.revision,
        resolved.time,
        resolved.nearest[levels - 1],
        resolved.distances,
        resolved.margins);
  }

  /** The record of an item as it was or is written; {@code known.commit()} is not 0. */
  private TokenRow row(String item, PublishedToken known) {
    TokenRow row = new TokenRow();
    row.item = item;
    row.commit = known.commit();
    row.previous = previous(known.before());
    PublishedToken.Ref token = known.token();
    if (token == null) {
      row.removed = true;
      row.version = known.version();
      return row;
    }
    row.version = token.version();
    row.codes = token.codes();
    row.suffix = token.suffix();
    row.nearest = token.codes().clone();
    PublishedToken.Why why = known.why();
    if (why == null) {
      // State of earlier builds does not say why.
      row.distances = new float[0];
      row.margins = new float[0];
      return row;
    }
    row.revision = why.revision();
    row.time = why.time();
    row.nearest[levels - 1] = why.nearestLast();
    row.distances = why.distances();
    row.margins = why.margins();
    return row;
  }

  private static TokenRow.Previous previous(PublishedToken.Ref before) {
    if (before == null) {
      return null;
    }
    TokenRow.Previous previous = new TokenRow.Previous();
    previous.version = before.version();
    previous.codes = before.codes();
    previous.suffix = before.suffix();
    return previous;
  }

  // ---- writing again

  /** A request to write every row again. */
  @Override
  public void processElement2(StreamRecord<Republish> element) {
    LOG.info("Every row is to be written again: {}", element.getValue().reason);
    requests++;
    if (!republish) {
      republish = true;
      republishLater();
    } else if (scan != null) {
      // What was written so far may be in the transaction that was lost.
      scan.close();
      scan = new RowScan(getKeyedStateBackend(), PUBLISHED);
    }
  }

  private void republishLater() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    getProcessingTimeService().registerTimer(now + GATHER_MS, t -> republishSlice());
  }

  /** Writes some rows again; barriers and new answers are processed in between. */
  private void republishSlice() throws Exception {
    if (closed) {
      return;
    }
    if (scan == null) {
      scan = new RowScan(getKeyedStateBackend(), PUBLISHED);
    }
    for (int seen = 0; seen < SLICE && scan.hasNext(); seen++) {
      String item = scan.next();
      setCurrentKey(item);
      PublishedToken known = PublishedToken.fromBytes(published.value());
      if (known != null && known.commit() > 0) {
        output.collect(new StreamRecord<>(row(item, known), known.commit()));
        republished.inc();
      }
    }
    if (scan.hasNext()) {
      mailbox.execute(this::republishSlice, "write rows again");
      return;
    }
    scan.close();
    scan = null;
    republish = false;
    CommitPart done = new CommitPart();
    done.version = requests;
    done.subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
    done.republishing = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
    done.changedCodes = new long[0];
    done.changedPrefixes = new long[0];
    output.collect(PARTS, new StreamRecord<>(done));
  }

  /** Versions come with the answers alone. */
  @Override
  public void processWatermark1(Watermark mark) throws Exception {
    processWatermark(mark);
  }

  @Override
  public void processWatermark2(Watermark mark) {}

  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int index) {}

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
    if (known != null
        && known.token() == null
        && known.version() + STUB_VERSIONS <= timer.getTimestamp()) {
      published.clear();
    } else if (known != null && known.token() == null) {
      // Deleted under a later version, or by a build whose stubs went sooner.
      timers.registerEventTimeTimer(VoidNamespace.INSTANCE, known.version() + STUB_VERSIONS);
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
    republishState.update(republish ? List.of(1) : List.of());
  }

  @Override
  public void close() throws Exception {
    closed = true;
    if (scan != null) {
      scan.close();
      scan = null;
    }
    super.close();
  }
}
