package io.sidstream.job.simulation;

import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** A subtask of an operator without state, which one for all histories can stand for. */
final class StatelessNode extends Node {
  /** The operator, and the subtask that it stands for just now. */
  static final class Shared {
    private final SubtaskHarness harness;
    private Node node;

    Shared(StreamOperator<?> operator) throws Exception {
      harness =
          new SubtaskHarness(operator, SubtaskHarness.Place.ONLY, null, new Sending(() -> node));
      harness.setup();
      harness.open();
    }
  }

  private final Shared shared;

  StatelessNode(Stage stage, int subtask, Shared shared) {
    super(stage, subtask);
    this.shared = shared;
  }

  @Override
  void record(int input, StreamRecord<Object> record) throws Exception {
    shared.node = this;
    shared.harness.record(input, record);
  }

  @Override
  Object snapshot(long checkpoint) {
    sendAll(new Barrier(checkpoint));
    return null;
  }

  @Override
  void complete(long checkpoint) {}
}
