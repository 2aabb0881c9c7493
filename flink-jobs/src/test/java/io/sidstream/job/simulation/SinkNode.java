package io.sidstream.job.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Writes to a topic, one transaction a checkpoint, which is committed when it hears that the
 * checkpoint is complete.
 */
final class SinkNode extends Node {
  /** A record, and when the sink was given it. */
  private record Written(Object value, long time) {}

  private final Target target;
  private final LongSupplier clock;
  private List<Written> open = new ArrayList<>();

  /** By checkpoint that closed it: what is not committed yet. */
  private final TreeMap<Long, List<Written>> closed = new TreeMap<>();

  /** Writes a record that was committed to a topic. */
  @FunctionalInterface
  interface Target {
    void commit(Object value, long written);
  }

  SinkNode(Stage stage, int subtask, Target target, LongSupplier clock) {
    super(stage, subtask);
    this.target = target;
    this.clock = clock;
  }

  @Override
  void record(int input, StreamRecord<Object> record) {
    open.add(new Written(record.getValue(), clock.getAsLong()));
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
      closed.pollFirstEntry().getValue().forEach(w -> target.commit(w.value, w.time));
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
