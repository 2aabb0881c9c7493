package io.sidstream.job.simulation;

import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;

/** A subtask of a real operator, in the engine's harness for one. */
final class OperatorNode extends Node {
  final SubtaskHarness harness;

  /** Where what it does on threads of its own waits. */
  final Workshop workshop;

  private final TaskMailbox mails;

  /**
   * @param keys null for an operator without keyed state
   */
  OperatorNode(
      Stage stage,
      int subtask,
      StreamOperator<?> operator,
      SubtaskHarness.Keys keys,
      Workshop workshop)
      throws Exception {
    super(stage, subtask);
    this.workshop = workshop;
    harness =
        new SubtaskHarness(
            operator,
            new SubtaskHarness.Place(subtask, stage.parallelism, stage.maxParallelism),
            keys,
            new Sending(() -> this));
    mails = harness.getTaskMailbox();
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
    return mails.hasMail();
  }

  void mail() throws Exception {
    mails.take(TaskMailbox.MIN_PRIORITY).run();
  }

  boolean hasTimers() {
    return harness.getProcessingTimeService().getNumActiveTimers() > 0;
  }

  @Override
  void record(int input, StreamRecord<Object> record) throws Exception {
    harness.record(input, record);
  }

  @Override
  void watermark(int input, Watermark mark) throws Exception {
    harness.watermark(input, mark);
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
}
