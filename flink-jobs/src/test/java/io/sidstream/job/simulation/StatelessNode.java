package io.sidstream.job.simulation;

import java.util.Queue;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;

/** A subtask of an operator without state, which one for all histories can stand for. */
final class StatelessNode extends Node {
  private final OneInputStreamOperatorTestHarness<Object, Object> harness;

  StatelessNode(
      Stage stage, int subtask, OneInputStreamOperatorTestHarness<Object, Object> harness) {
    super(stage, subtask);
    this.harness = harness;
  }

  @Override
  void record(int input, StreamRecord<Object> record) throws Exception {
    harness.processElement(record);
    Queue<Object> sent = harness.getOutput();
    while (!sent.isEmpty()) {
      send(null, (StreamRecord<?>) sent.poll());
    }
  }

  @Override
  Object snapshot(long checkpoint) {
    sendAll(new Barrier(checkpoint));
    return null;
  }

  @Override
  void complete(long checkpoint) {}
}
