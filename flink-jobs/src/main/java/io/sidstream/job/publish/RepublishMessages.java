package io.sidstream.job.publish;

import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Republish;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.Printable;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Reads the control topic for what is Publish's to do. What is not, or cannot be read, is left to
 * those who read the topic for the gate.
 */
public class RepublishMessages extends ProcessFunction<RawRecord, Republish> {
  private transient WireFormat wire;

  @Override
  public void open(OpenContext context) {
    wire = new WireFormat();
  }

  @Override
  public void processElement(RawRecord record, Context context, Collector<Republish> out) {
    if (record.value == null) {
      return;
    }
    ControlMessage message;
    try {
      message = wire.decode(record.value, ControlMessage.class);
    } catch (WireFormatException e) {
      return;
    }
    if (message.getAction() == ControlAction.REPUBLISH) {
      Republish republish = new Republish();
      republish.reason = Printable.of(message.getReason() + " (" + message.getAuthor() + ")");
      out.collect(republish);
    }
  }
}
