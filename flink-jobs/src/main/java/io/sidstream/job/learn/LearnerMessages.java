package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Rule;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Reads a topic of messages to the learner. What cannot be decoded goes to the dead letters.
 *
 * @param <T> what a record holds
 * @param <R> what the learner is told
 */
abstract class LearnerMessages<T extends SpecificRecord, R> extends ProcessFunction<RawRecord, R> {
  private final JobConfig config;
  private final Class<T> type;
  private final String expected;
  private transient WireFormat wire;

  /**
   * With the limits of a configuration.
   *
   * @param expected what a value must be, for the reason of a record without one
   */
  LearnerMessages(JobConfig config, Class<T> type, String expected) {
    this.config = config;
    this.type = type;
    this.expected = expected;
  }

  @Override
  public void open(OpenContext context) {
    wire = new WireFormat();
  }

  /** Tells the learner of a message, or rejects it. */
  abstract void take(T message, RawRecord record, Context context, Collector<R> out);

  @Override
  public void processElement(RawRecord record, Context context, Collector<R> out) {
    if (record.value == null) {
      reject(record, Rule.NULL_VALUE, "value is null; expected: " + expected, context);
      return;
    }
    T message;
    try {
      message = wire.decode(record.value, type);
    } catch (WireFormatException e) {
      reject(record, Rule.of(e.problem()), e.getMessage(), context);
      return;
    }
    take(message, record, context, out);
  }

  final void reject(RawRecord record, Rule rule, String reason, Context context) {
    context.output(
        DeadLetterRecord.DEAD_LETTERS,
        DeadLetterRecord.of(
            record,
            rule,
            reason,
            config.get(JobOptions.DEAD_LETTERS_MAX_BYTES),
            context.timerService().currentProcessingTime()));
  }

  final JobConfig config() {
    return config;
  }
}
