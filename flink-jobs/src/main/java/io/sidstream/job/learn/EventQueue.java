package io.sidstream.job.learn;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple3;

/**
 * What has arrived and waits, in order of event time; events of one time go by what they are about,
 * then by their own order. So what a round takes from a backlog does not depend on how it was read.
 *
 * <p>RocksDB keeps a map in the order of its keys' bytes, which for these is the order wanted. A
 * heap backend keeps none, and sorts for each pass.
 */
final class EventQueue<T> {
  /** Times first; their sign is turned, so that bytes without sign have the order of numbers. */
  private static final TypeInformation<Tuple3<Long, Long, Long>> KEY =
      Types.TUPLE(Types.LONG, Types.LONG, Types.LONG);

  private static final Comparator<Tuple3<Long, Long, Long>> ORDER =
      (a, b) -> {
        int byTime = Long.compareUnsigned(a.f0, b.f0);
        int byName = byTime != 0 ? byTime : Long.compareUnsigned(a.f1, b.f1);
        return byName != 0 ? byName : Long.compareUnsigned(a.f2, b.f2);
      };

  private final MapState<Tuple3<Long, Long, Long>, T> state;
  private final boolean sorted;

  EventQueue(MapState<Tuple3<Long, Long, Long>, T> state, boolean sorted) {
    this.state = state;
    this.sorted = sorted;
  }

  static <T> MapStateDescriptor<Tuple3<Long, Long, Long>, T> descriptor(
      String name, TypeInformation<T> type) {
    return new MapStateDescriptor<>(name, KEY, type);
  }

  /** Takes one; false ends the pass, and what it was called with stays. */
  interface Taker<T> {
    boolean take(T value) throws Exception;
  }

  /** The queue of one key, which is the current one whenever it is called. */
  Front<T> front() {
    return new Front<>(this);
  }

  /**
   * Where entries of one key are added and taken. Between calls it goes on reading where it was:
   * from the beginning, RocksDB would pass by all that was removed since it last compacted its
   * files, and with a long queue that takes longer than a call may.
   */
  static final class Front<T> {
    /** Entries remembered that came while the queue is read; with more it is read anew. */
    private static final int MOST_ADDED = 1_024;

    private final EventQueue<T> queue;
    private final TreeMap<Tuple3<Long, Long, Long>, T> added = new TreeMap<>(ORDER);
    private Iterator<Map.Entry<Tuple3<Long, Long, Long>, T>> read;

    /** The last that was read, if it was not taken. */
    private Map.Entry<Tuple3<Long, Long, Long>, T> next;

    private Front(EventQueue<T> queue) {
      this.queue = queue;
    }

    /**
     * Adds one.
     *
     * @param about hash of what it is about
     * @param order its number among those of one time about the same
     */
    void add(long time, long about, long order, T value) throws Exception {
      Tuple3<Long, Long, Long> key = Tuple3.of(time ^ Long.MIN_VALUE, about, order);
      queue.state.put(key, value);
      if (read != null) {
        // Reading may be past its place, or have looked ahead of it.
        added.put(key, value);
        if (added.size() > MOST_ADDED) {
          stop();
        }
      }
    }

    private void stop() {
      read = null;
      next = null;
      added.clear();
    }

    /** Takes entries in order, until there are no more or one is refused. */
    void take(Taker<T> taker) throws Exception {
      if (read == null) {
        read = queue.entries();
      }
      while (true) {
        if (next == null && read.hasNext()) {
          next = read.next();
        }
        var first = added.firstEntry();
        if (next == null && first == null) {
          stop();
          return;
        }
        int order =
            first == null ? 1 : next == null ? -1 : ORDER.compare(first.getKey(), next.getKey());
        if (!taker.take(order <= 0 ? first.getValue() : next.getValue())) {
          return;
        }
        if (order <= 0) {
          queue.state.remove(first.getKey());
          added.remove(first.getKey());
        }
        if (order >= 0) {
          // By the iterator, too: it would else pass over the entry behind the last of those that
          // it reads at a time.
          if (queue.sorted) {
            read.remove();
          } else {
            queue.state.remove(next.getKey());
          }
          next = null;
        }
      }
    }
  }

  private Iterator<Map.Entry<Tuple3<Long, Long, Long>, T>> entries() throws Exception {
    if (sorted) {
      return state.iterator();
    }
    List<Map.Entry<Tuple3<Long, Long, Long>, T>> all = new ArrayList<>();
    for (Map.Entry<Tuple3<Long, Long, Long>, T> entry : state.entries()) {
      all.add(Map.entry(entry.getKey(), entry.getValue()));
    }
    all.sort(Map.Entry.comparingByKey(ORDER));
    return all.iterator();
  }
}
