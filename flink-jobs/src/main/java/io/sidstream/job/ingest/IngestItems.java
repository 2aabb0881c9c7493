package io.sidstream.job.ingest;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Rule;
import java.time.Duration;
import java.time.Instant;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records of the items topic to items and deletions. A record that breaks a {@link Rule} goes to
 * {@link DeadLetterRecord#DEAD_LETTERS}; no bytes make it throw.
 *
 * <p>A compacted topic drops a deletion some time after it was sent. A job that was down for longer
 * never reads it, and the item keeps its token: that is found by the time of the last checkpoint,
 * said, and shown by a metric.
 */
public final class IngestItems extends ProcessFunction<RawRecord, Item>
    implements CheckpointedFunction {
  private static final Logger LOG = LoggerFactory.getLogger(IngestItems.class);

  /** No topic keeps deletions for less. */
  private static final long ASKED_AFTER_MS = 60_000;

  private final JobConfig config;
  private final DeletionsKept kept;
  private transient ListState<Long> lastCheckpoint;
  private transient long unseenMs;
  private transient Validation validation;
  private transient IngestMetrics metrics;

  /** With the limits of a configuration. */
  public IngestItems(JobConfig config) {
    this(config, () -> Topics.deletionsKeptMs(config));
  }

  IngestItems(JobConfig config, DeletionsKept kept) {
    this.config = config;
    this.kept = kept;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    lastCheckpoint =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("last-checkpoint", Types.LONG));
    for (long time : lastCheckpoint.get()) {
      long down = System.currentTimeMillis() - time;
      // A restart after a failure does not ask the broker.
      long keptMs = down < ASKED_AFTER_MS ? -1 : kept.ms();
      unseenMs = keptMs < 0 ? 0 : Math.max(0, down - keptMs);
      if (unseenMs > 0) {
        LOG.error(
            "the job goes on from a checkpoint of {}, {} ago, and topic {} keeps deletions for {} (delete.retention.ms): deletions sent meanwhile may be gone, and their items keep their tokens; 'sidstream tokens orphans' lists these, with --delete it removes them",
            Instant.ofEpochMilli(time),
            Duration.ofMillis(down),
            Topics.items(config),
            Duration.ofMillis(keptMs));
      }
    }
  }

  /** How much longer the job was down, when it last went on, than deletions are kept, ms; or 0. */
  long deletionsUnseenForMs() {
    return unseenMs;
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    lastCheckpoint.clear();
    if (getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() == 0) {
      lastCheckpoint.add(context.getCheckpointTimestamp());
    }
  }

  @Override
  public void open(OpenContext context) {
    validation = new Validation(config);
    metrics = new IngestMetrics(getRuntimeContext().getMetricGroup());
    JobMetric.DELETIONS_UNSEEN.gauge(
        getRuntimeContext().getMetricGroup(), this::deletionsUnseenForMs);
  }

  @Override
  public void processElement(RawRecord raw, Context context, Collector<Item> out) {
    long now = context.timerService().currentProcessingTime();
    try {
      out.collect(validation.item(raw, now));
      metrics.accept(validation.ahead());
    } catch (Rejection e) {
      metrics.reject(e.rule());
      int maxBytes = config.get(JobOptions.DEAD_LETTERS_MAX_BYTES);
      context.output(
          DeadLetterRecord.DEAD_LETTERS,
          DeadLetterRecord.of(raw, e.rule(), e.getMessage(), maxBytes, now));
    }
  }
}
