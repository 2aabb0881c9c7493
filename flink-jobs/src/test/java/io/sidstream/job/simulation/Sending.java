package io.sidstream.job.simulation;

import java.util.function.Supplier;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.OutputTag;

/** Puts what an operator sends into the channels of its subtask. */
final class Sending implements Output<StreamRecord<Object>> {
  private final Supplier<Node> node;

  /**
   * @param node the subtask that sends
   */
  Sending(Supplier<Node> node) {
    this.node = node;
  }

  @Override
  public void collect(StreamRecord<Object> record) {
    node.get().send(null, record);
  }

  @Override
  public <X> void collect(OutputTag<X> tag, StreamRecord<X> record) {
    node.get().send(tag, record);
  }

  @Override
  public void emitWatermark(Watermark mark) {
    node.get().sendAll(mark);
  }

  @Override
  public void emitWatermarkStatus(WatermarkStatus status) {}

  @Override
  public void emitLatencyMarker(LatencyMarker marker) {}

  @Override
  public void emitRecordAttributes(RecordAttributes attributes) {}

  @Override
  public void emitWatermark(WatermarkEvent watermark) {}

  @Override
  public void close() {}
}
