package io.sidstream.job.sequence;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.ingest.Interaction;
import io.sidstream.job.metrics.JobMetric;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.avro.SchemaNormalization;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * The newest items of each user in event time, as training windows; keyed by user.
 *
 * <ul>
 *   <li>An event whose identifier is among those of the window or of the last {@value #RECENT}
 *       events is a duplicate and is dropped.
 *   <li>An event older than the newest is put in its place; ties keep the order of arrival. It is
 *       <em>fresh</em> where all behind it is new since the last window, else <em>late</em>.
 *   <li>An event of weight 0, or one older than a full window, is counted and has no place.
 *   <li>A window goes out when fresh and late events reach sequence.min-fresh, or sequence.flush
 *       after the first event that has not gone out. A user without events for sequence.retention
 *       is forgotten.
 * </ul>
 */
public final class SequenceFunction
    extends KeyedProcessFunction<String, Interaction, TrainingWindow> {
  /** Event identifiers that are remembered beside those of the window. */
  static final int RECENT = 200;

  private final JobConfig config;
  private transient int length;
  private transient int minFresh;
  private transient long flush;
  private transient ValueState<UserHistory> state;
  private transient Counter duplicates;
  private transient Counter late;
  private transient Counter tooLate;
  private transient Counter weightless;
  private transient Counter windows;

  /** With the lengths of a configuration. */
  public SequenceFunction(JobConfig config) {
    this.config = config;
  }

  @Override
  public void open(OpenContext context) {
    length = config.get(JobOptions.SEQUENCE_LENGTH);
    minFresh = config.get(JobOptions.SEQUENCE_MIN_FRESH);
    flush = config.get(JobOptions.SEQUENCE_FLUSH).toMillis();
    ValueStateDescriptor<UserHistory> descriptor =
        new ValueStateDescriptor<>("history", TypeInformation.of(UserHistory.class));
    descriptor.enableTimeToLive(
        StateTtlConfig.newBuilder(config.get(JobOptions.SEQUENCE_RETENTION)).build());
    state = getRuntimeContext().getState(descriptor);
    var group = getRuntimeContext().getMetricGroup();
    duplicates = JobMetric.DUPLICATE_EVENTS.counter(group);
    late = JobMetric.LATE_EVENTS.counter(group);
    tooLate = JobMetric.TOO_LATE_EVENTS.counter(group);
    weightless = JobMetric.WEIGHTLESS_EVENTS.counter(group);
    windows = JobMetric.WINDOWS.counter(group);
  }

  @Override
  public void processElement(Interaction event, Context context, Collector<TrainingWindow> out)
      throws Exception {
    UserHistory history = state.value();
    if (history == null) {
      history = new UserHistory();
    }
    trim(history);
    long id = hash(event.eventId);
    if (contains(history.ids, id) || contains(history.recentIds, id)) {
      duplicates.inc();
      return;
    }
    history.recentIds = append(history.recentIds, id, RECENT);
    place(history, event, id);
    if (history.fresh + history.late >= minFresh) {
      send(event.user, history, context, out);
    } else if (history.flushAt == 0) {
      history.flushAt = context.timerService().currentProcessingTime() + flush;
      context.timerService().registerProcessingTimeTimer(history.flushAt);
    }
    state.update(history);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<TrainingWindow> out)
      throws Exception {
    UserHistory history = state.value();
    if (history == null || history.flushAt != time) {
      return;
    }
    trim(history);
    history.flushAt = 0;
    // Without an item there is nothing to learn from: the count waits for the first.
    if (history.items.length > 0) {
      send(context.getCurrentKey(), history, context, out);
    }
    state.update(history);
  }

  /** Cuts a history that was kept under a greater sequence.length to its newest events. */
  private void trim(UserHistory history) {
    int drop = history.items.length - length;
    if (drop > 0) {
      history.items = Arrays.copyOfRange(history.items, drop, drop + length);
      history.times = Arrays.copyOfRange(history.times, drop, drop + length);
      history.ids = Arrays.copyOfRange(history.ids, drop, drop + length);
      countOut(history);
    }
  }

  /** Fresh events that have left the window before it went out are counted without a place. */
  private static void countOut(UserHistory history) {
    int out = Math.max(0, history.fresh - history.items.length);
    history.fresh -= out;
    history.unplaced += out;
  }

  private void place(UserHistory history, Interaction event, long id) {
    int n = history.items.length;
    int at = n;
    while (at > 0 && history.times[at - 1] > event.time) {
      at--;
    }
    if (event.weight == 0) {
      weightless.inc();
      history.unplaced++;
      return;
    }
    if (at == 0 && n == length) {
      tooLate.inc();
      history.unplaced++;
      return;
    }
    if (at < n) {
      late.inc();
    }
    if (at >= n - history.fresh) {
      history.fresh++;
    } else {
      history.late++;
    }
    // A full window loses its oldest.
    int drop = Math.max(0, n + 1 - length);
    int to = at - drop;
    String[] items = new String[n + 1 - drop];
    System.arraycopy(history.items, drop, items, 0, to);
    items[to] = event.item;
    System.arraycopy(history.items, at, items, to + 1, n - at);
    history.items = items;
    history.times = insert(history.times, drop, at, event.time);
    history.ids = insert(history.ids, drop, at, id);
    countOut(history);
  }

  private void send(
      String user, UserHistory history, Context context, Collector<TrainingWindow> out) {
    TrainingWindow window = new TrainingWindow();
    window.user = user;
    window.items = history.items.clone();
    window.times = history.times.clone();
    window.fresh = history.fresh;
    window.events = history.fresh + history.late + history.unplaced;
    history.fresh = 0;
    history.late = 0;
    history.unplaced = 0;
    if (history.flushAt != 0) {
      context.timerService().deleteProcessingTimeTimer(history.flushAt);
      history.flushAt = 0;
    }
    windows.inc();
    out.collect(window);
  }

  private static boolean contains(long[] ids, long id) {
    for (long known : ids) {
      if (known == id) {
        return true;
      }
    }
    return false;
  }

  /**
   * The array without its first {@code drop} elements, and with a value before the one that was at
   * {@code at}.
   */
  private static long[] insert(long[] from, int drop, int at, long value) {
    long[] to = new long[from.length + 1 - drop];
    System.arraycopy(from, drop, to, 0, at - drop);
    to[at - drop] = value;
    System.arraycopy(from, at, to, at - drop + 1, from.length - at);
    return to;
  }

  private static long[] append(long[] from, long value, int max) {
    int drop = from.length == max ? 1 : 0;
    long[] to = Arrays.copyOfRange(from, drop, from.length + 1);
    to[to.length - 1] = value;
    return to;
  }

  /** 64 bits: among 251 identifiers a wrong match has a probability below 2e-17 an event. */
  private static long hash(String eventId) {
    return SchemaNormalization.fingerprint64(eventId.getBytes(StandardCharsets.UTF_8));
  }
}
