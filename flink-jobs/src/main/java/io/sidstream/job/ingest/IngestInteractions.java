package io.sidstream.job.ingest;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Rule;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Records of the interactions topic to interactions. A record that breaks a {@link Rule} goes to
 * {@link DeadLetterRecord#DEAD_LETTERS}; no bytes make it throw.
 */
public final class IngestInteractions extends ProcessFunction<RawRecord, Interaction> {
  private final JobConfig config;
  private transient Validation validation;
  private transient IngestMetrics metrics;

  /** With the limits of a configuration. */
  public IngestInteractions(JobConfig config) {
    this.config = config;
  }

  @Override
  public void open(OpenContext context) {
    validation = new Validation(config);
    metrics = new IngestMetrics(getRuntimeContext().getMetricGroup());
  }

  @Override
  public void processElement(RawRecord raw, Context context, Collector<Interaction> out) {
    long now = context.timerService().currentProcessingTime();
    try {
      out.collect(validation.interaction(raw, now));
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
