package io.sidstream.job.learn;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
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

  /**
   * Adds one.
   *
   * @param about hash of what it is about
   * @param order its number among those of one time about the same
   */
  void add(long time, long about, long order, T value) throws Exception {
    state.put(Tuple3.of(time ^ Long.MIN_VALUE, about, order), value);
  }

  /** Takes one; false ends the pass, and what it was called with stays. */
  interface Taker<T> {
    boolean take(T value) throws Exception;
  }

  /** Takes entries in order, until there are no more or one is refused. */
  void take(Taker<T> taker) throws Exception {
    Iterator<Map.Entry<Tuple3<Long, Long, Long>, T>> entries = entries();
    while (entries.hasNext()) {
      Map.Entry<Tuple3<Long, Long, Long>, T> entry = entries.next();
      if (!taker.take(entry.getValue())) {
        return;
      }
      state.remove(entry.getKey());
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
