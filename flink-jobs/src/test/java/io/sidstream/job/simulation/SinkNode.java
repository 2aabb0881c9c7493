package io.sidstream.job.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Writes to a topic, one transaction a checkpoint, which is committed when it hears that the
 * checkpoint is complete.
 */
final class SinkNode extends Node {
  private final Target target;
  private List<Object> open = new ArrayList<>();

  /** By checkpoint that closed it: what is not committed yet. */
  private final TreeMap<Long, List<Object>> closed = new TreeMap<>();

  /** Writes what was committed to a topic. */
  @FunctionalInterface
  interface Target {
    void commit(List<Object> transaction);
  }

  SinkNode(Stage stage, int subtask, Target target) {
    super(stage, subtask);
    this.target = target;
  }

  @Override
  void record(int input, StreamRecord<Object> record) {
    open.add(record.getValue());
  }

  @Override
  Object snapshot(long checkpoint) {
    closed.put(checkpoint, open);
    open = new ArrayList<>();
    return new ArrayList<>(closed.values());
  }

  @Override
  void complete(long checkpoint) {
    while (!closed.isEmpty() && closed.firstKey() <= checkpoint) {
      target.commit(closed.pollFirstEntry().getValue());
    }
  }

  /** Whether anything is written that a complete checkpoint closed and that is not committed. */
  boolean owes(long checkpoint) {
    return closed.headMap(checkpoint, true).values().stream().anyMatch(t -> !t.isEmpty());
  }

  /** What a complete checkpoint closed, and all before, is gone. */
  void lose(long checkpoint) {
    closed.headMap(checkpoint, true).clear();
  }
}
