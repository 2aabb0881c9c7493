package io.sidstream.job.simulation;

import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.TwoInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;

/** A subtask of a real operator, in the engine's harness for one. */
@SuppressWarnings({"unchecked", "rawtypes"})
final class OperatorNode extends Node {
  private static final HashMapStateBackend BACKEND = new HashMapStateBackend();

  final AbstractStreamOperatorTestHarness<?> harness;

  /** Where what it does on threads of its own waits. */
  final Workshop workshop;

  private final OneInputStreamOperatorTestHarness<Object, Object> one;
  private final TwoInputStreamOperatorTestHarness<Object, Object, Object> two;

  OperatorNode(
      Stage stage, int subtask, AbstractStreamOperatorTestHarness<?> harness, Workshop workshop) {
    super(stage, subtask);
    this.harness = harness;
    this.workshop = workshop;
    one = harness instanceof OneInputStreamOperatorTestHarness h ? h : null;
    two = harness instanceof TwoInputStreamOperatorTestHarness h ? h : null;
    harness.setStateBackend(BACKEND);
    ((AbstractStreamOperatorTestHarness) harness).setOutputCreator(serializer -> new Sending());
  }

  /**
   * Begins, or goes on.
   *
   * @param state of the subtask; null for none
   */
  void open(OperatorSubtaskState state, long now) throws Exception {
    harness.setProcessingTime(now);
    harness.setup();
    if (state != null) {
      harness.initializeState(state);
    }
    harness.open();
    // A task does what it has asked of itself before anything arrives.
    while (hasMail()) {
      mail();
    }
  }

  boolean hasMail() {
    return harness.getTaskMailbox().hasMail();
  }

  void mail() throws Exception {
    harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
  }

  boolean hasTimers() {
    return harness.getProcessingTimeService().getNumActiveTimers() > 0;
  }

  @Override
  void record(int input, StreamRecord<Object> record) throws Exception {
    if (one != null) {
      one.processElement(record);
    } else if (input == 1) {
      two.processElement1(record);
    } else {
      two.processElement2(record);
    }
  }

  @Override
  void watermark(int input, Watermark mark) throws Exception {
    if (one != null) {
      one.processWatermark(mark);
    } else if (input == 1) {
      two.processWatermark1(mark);
    } else {
      two.processWatermark2(mark);
    }
  }

  @Override
  Object snapshot(long checkpoint) throws Exception {
    harness.prepareSnapshotPreBarrier(checkpoint);
    sendAll(new Barrier(checkpoint));
    return new Snapshot(harness.getOperator(), checkpoint, harness.getProcessingTime());
  }

  @Override
  void complete(long checkpoint) throws Exception {
    harness.notifyOfCompletedCheckpoint(checkpoint);
  }

  @Override
  void close() throws Exception {
    harness.close();
  }

  /** Puts what the operator sends into the channels. */
  private final class Sending implements Output<StreamRecord<Object>> {
    @Override
    public void collect(StreamRecord<Object> record) {
      send(null, record);
    }

    @Override
    public <X> void collect(OutputTag<X> tag, StreamRecord<X> record) {
      send(tag, record);
    }

    @Override
    public void emitWatermark(Watermark mark) {
      sendAll(mark);
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
}
