package io.sidstream.job.simulation;

import java.util.ArrayList;
import java.util.List;

/** A topic, as a reader of committed records has it. */
final class Log<T> {
  private record Entry<T>(T value, long time) {}

  private final List<List<Entry<T>>> partitions = new ArrayList<>();

  Log(int count) {
    for (int p = 0; p < count; p++) {
      partitions.add(new ArrayList<>());
    }
  }

  int partitions() {
    return partitions.size();
  }

  void add(int partition, T value, long time) {
    partitions.get(partition).add(new Entry<>(value, time));
  }

  int size(int partition) {
    return partitions.get(partition).size();
  }

  T get(int partition, int offset) {
    return partitions.get(partition).get(offset).value;
  }

  /** Of all partitions, one after another. */
  List<T> all() {
    return since(Long.MIN_VALUE);
  }

  List<T> since(long time) {
    List<T> all = new ArrayList<>();
    for (List<Entry<T>> partition : partitions) {
      for (Entry<T> entry : partition) {
        if (entry.time >= time) {
          all.add(entry.value);
        }
      }
    }
    return all;
  }
}
