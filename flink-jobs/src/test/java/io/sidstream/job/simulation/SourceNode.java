package io.sidstream.job.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** Reads partitions of a topic, each in its order. */
final class SourceNode extends Node {
  private final Log<?> log;
  private final Function<Object, Object> read;
  private final List<Integer> partitions = new ArrayList<>();
  private final Map<Integer, Integer> positions = new TreeMap<>();

  /** The checkpoint that was triggered and whose barrier it has not sent; 0 for none. */
  long triggered;

  SourceNode(Stage stage, int subtask, Log<?> log, Function<Object, Object> read) {
    super(stage, subtask);
    this.log = log;
    this.read = read;
    for (int p = subtask; p < log.partitions(); p += stage.parallelism) {
      partitions.add(p);
      positions.put(p, 0);
    }
  }

  /** Goes on from where subtasks of any number were. */
  void restore(List<Map<Integer, Integer>> all) {
    for (Map<Integer, Integer> of : all) {
      of.forEach((p, position) -> positions.computeIfPresent(p, (k, zero) -> position));
    }
  }

  int unread() {
    int n = 0;
    for (int p : partitions) {
      n += log.size(p) - positions.get(p);
    }
    return n;
  }

  /**
   * Sends the next record of a partition that has one.
   *
   * @param choice any number, which says of which
   */
  void read(int choice) {
    int begin = choice % partitions.size();
    for (int i = 0; i < partitions.size(); i++) {
      int p = partitions.get((begin + i) % partitions.size());
      int at = positions.get(p);
      if (at < log.size(p)) {
        positions.put(p, at + 1);
        send(null, new StreamRecord<>(read.apply(log.get(p, at))));
        return;
      }
    }
  }

  @Override
  void record(int input, StreamRecord<Object> record) {
    throw new AssertionError("a source has no input");
  }

  @Override
  Object snapshot(long checkpoint) {
    triggered = 0;
    sendAll(new Barrier(checkpoint));
    return new TreeMap<>(positions);
  }

  @Override
  void complete(long checkpoint) {}
}
