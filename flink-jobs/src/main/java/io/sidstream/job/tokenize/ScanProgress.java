package io.sidstream.job.tokenize;

import io.sidstream.job.metrics.JobMetric;
import java.util.function.LongSupplier;
import org.apache.flink.metrics.MetricGroup;

/**
 * How far the scan of a subtask of Tokenize is. Items are counted as they come and go, never by a
 * walk over state; each scan, which sees all of them, sets the count right.
 */
final class ScanProgress {
  private final LongSupplier clock;
  private long items;
  private long total;
  private long visited;
  private long moved;
  private long began;

  /**
   * Nothing known.
   *
   * @param clock ms
   */
  ScanProgress(LongSupplier clock) {
    this.clock = clock;
  }

  /**
   * What goes into state.
   *
   * @param items of the subtask
   * @param subtask its number
   * @param parallelism how many subtasks there are
   */
  record Counted(long items, int subtask, int parallelism) {}

  /**
   * Goes on from what all subtasks have counted: exactly at the same parallelism, else with this
   * one's part of the whole.
   *
   * @param all one a subtask
   * @param part share of the keys that is this subtask's
   */
  void restore(Iterable<Counted> all, int subtask, int parallelism, double part) {
    long sum = 0;
    for (Counted counted : all) {
      if (counted.parallelism == parallelism && counted.subtask == subtask) {
        items = counted.items;
        return;
      }
      sum += counted.items;
    }
    items = Math.round(sum * part);
  }

  void register(MetricGroup group) {
    JobMetric.SCAN_ITEMS.gauge(group, () -> visited);
    JobMetric.SCAN_TOTAL.gauge(group, () -> Math.max(total, visited));
    JobMetric.SCAN_LEFT.gauge(group, this::leftMs);
    JobMetric.SCAN_MOVED.gauge(group, () -> moved);
  }

  /** Items that the subtask has, as far as is known. */
  long items() {
    return items;
  }

  /** An item that was not known is. */
  void added() {
    items++;
  }

  /** An item that was known is not. */
  void removed() {
    items--;
  }

  /** So many items there are: they were counted one by one. */
  void counted(long all) {
    items = all;
  }

  /** A scan begins. */
  void begin() {
    total = items;
    visited = 0;
    moved = 0;
    began = clock.getAsLong();
  }

  void visited() {
    visited++;
  }

  void moved() {
    moved++;
  }

  /** The scan has visited every item that there was when it began. */
  void end() {
    items += visited - total;
    total = visited;
  }

  /** The items of the newest scan, and how many of them have moved. */
  @Override
  public String toString() {
    return visited + " items, " + moved + " claims";
  }

  /** At the pace so far, ms; 0 between scans and before the first items. */
  private long leftMs() {
    long seen = visited;
    long left = total - seen;
    // After the end nothing is left.
    if (seen == 0 || left <= 0) {
      return 0;
    }
    return Math.round((clock.getAsLong() - began) * ((double) left / seen));
  }
}
