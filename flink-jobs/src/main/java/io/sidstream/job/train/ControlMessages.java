package io.sidstream.job.train;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.ingest.DeadLetterRecord;
import io.sidstream.job.ingest.RawRecord;
import io.sidstream.job.ingest.Rule;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Tells the trainer what a person says of the gate. What is no control message, or has an action
 * that this release does not know, goes to the dead letters.
 */
public class ControlMessages extends ProcessFunction<RawRecord, TrainEvent> {
  /** Longest author or reason that goes into the records that it causes, characters. */
  private static final int MAX_TEXT = 1000;

  private final JobConfig config;
  private transient WireFormat wire;

  /** With the limits of a configuration. */
  public ControlMessages(JobConfig config) {
    this.config = config;
  }

  @Override
  public void open(OpenContext context) {
    wire = new WireFormat();
  }

  @Override
  public void processElement(RawRecord record, Context context, Collector<TrainEvent> out) {
    if (record.value == null) {
      reject(record, Rule.NULL_VALUE, "value is null; expected: a ControlMessage", context);
      return;
    }
    ControlMessage message;
    try {
      message = wire.decode(record.value, ControlMessage.class);
    } catch (WireFormatException e) {
      reject(record, Rule.of(e.problem()), e.getMessage(), context);
      return;
    }
    if (message.getAction() == ControlAction.UNKNOWN) {
      reject(
          record,
          Rule.ACTION_UNKNOWN,
          "action is UNKNOWN to this release; expected: HOLD, FORCE or RELEASE",
          context);
      return;
    }
    TrainEvent event = new TrainEvent();
    event.control = new Control();
    event.control.action = message.getAction();
    event.control.reason = cut(message.getReason());
    event.control.author = cut(message.getAuthor());
    out.collect(event);
  }

  private static String cut(String text) {
    return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "...";
  }

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
