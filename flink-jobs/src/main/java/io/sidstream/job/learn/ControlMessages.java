package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.Control;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Rule;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import org.apache.flink.util.Collector;

/**
 * Tells the merge what a person says of the gate, and when all is to be said again. What is no
 * control message, or has an action that this release does not know, goes to the dead letters.
 */
public class ControlMessages extends LearnerMessages<ControlMessage, MergeInput> {
  /** Longest author or reason that goes into the records that it causes, characters. */
  private static final int MAX_TEXT = 1000;

  /** With the limits of a configuration. */
  public ControlMessages(JobConfig config) {
    super(config, ControlMessage.class, "a ControlMessage");
  }

  @Override
  void take(ControlMessage message, RawRecord record, Context context, Collector<MergeInput> out) {
    if (message.getAction() == ControlAction.UNKNOWN) {
      reject(
          record,
          Rule.ACTION_UNKNOWN,
          "action is UNKNOWN to this release; expected: HOLD, FORCE, RELEASE or REPUBLISH",
          context);
      return;
    }
    MergeInput event = new MergeInput();
    event.control = new Control();
    event.control.action = message.getAction();
    event.control.reason = cut(message.getReason());
    event.control.author = cut(message.getAuthor());
    out.collect(event);
  }

  private static String cut(String text) {
    return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "...";
  }
}
