package io.sidstream.job.simulation;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/** A subtask. */
abstract class Node {
  /** A checkpoint barrier. */
  record Barrier(long checkpoint) {}

  final Stage stage;
  final int subtask;
  final List<Channel> inputs = new ArrayList<>();

  /** By edge of the stage: channels to the subtasks of the other; null where there is none. */
  final List<Channel[]> outputs = new ArrayList<>();

  /** Whether it stands still while others can go on. */
  boolean slow;

  /** Checkpoints that are complete and of which it has not heard. */
  final List<Long> completed = new ArrayList<>();

  private final long[] marks = {Long.MIN_VALUE, Long.MIN_VALUE, Long.MIN_VALUE};

  Node(Stage stage, int subtask) {
    this.stage = stage;
    this.subtask = subtask;
  }

  // ---- what it is

  abstract void record(int input, StreamRecord<Object> record) throws Exception;

  void watermark(int input, Watermark mark) throws Exception {}

  /** All barriers have come: sends its own on, and gives what is to be kept. */
  abstract Object snapshot(long checkpoint) throws Exception;

  abstract void complete(long checkpoint) throws Exception;

  boolean takesInput() {
    return true;
  }

  void close() throws Exception {}

  // ---- what comes

  /** Takes the next of a channel; the checkpoint whose barriers have all come, or 0. */
  long take(Channel from) throws Exception {
    Object element = from.elements.poll();
    if (element instanceof Barrier barrier) {
      from.blocked = true;
      for (Channel input : inputs) {
        if (!input.blocked) {
          return 0;
        }
      }
      inputs.forEach(input -> input.blocked = false);
      return barrier.checkpoint;
    }
    if (element instanceof Watermark mark) {
      from.mark = Math.max(from.mark, mark.getTimestamp());
      long least = Long.MAX_VALUE;
      for (Channel input : inputs) {
        least = input.input == from.input ? Math.min(least, input.mark) : least;
      }
      if (least > marks[from.input]) {
        marks[from.input] = least;
        watermark(from.input, new Watermark(least));
      }
      return 0;
    }
    @SuppressWarnings("unchecked")
    StreamRecord<Object> record = (StreamRecord<Object>) element;
    record(from.input, record);
    return 0;
  }

  // ---- what goes

  final void send(OutputTag<?> tag, StreamRecord<?> record) {
    for (int e = 0; e < outputs.size(); e++) {
      Edge edge = stage.edges.get(e);
      if (edge.tag() == null ? tag != null : !edge.tag().equals(tag)) {
        continue;
      }
      Channel[] to = outputs.get(e);
      for (Object value : edge.map().apply(record.getValue())) {
        int target = edge.to() == null ? subtask : edge.to().applyAsInt(value, to.length);
        StreamRecord<Object> copy =
            record.hasTimestamp()
                ? new StreamRecord<>(value, record.getTimestamp())
                : new StreamRecord<>(value);
        if (target == Edge.ALL) {
          for (Channel channel : to) {
            channel.elements.add(copy);
          }
        } else {
          to[target].elements.add(copy);
        }
      }
    }
  }

  /** Watermarks and barriers go everywhere. */
  final void sendAll(Object element) {
    for (Channel[] channels : outputs) {
      for (Channel channel : channels) {
        if (channel != null) {
          channel.elements.add(element);
        }
      }
    }
  }

  @Override
  public String toString() {
    return stage.name + "-" + subtask;
  }
}
