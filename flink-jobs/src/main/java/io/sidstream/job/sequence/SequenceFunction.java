package io.sidstream.job.sequence;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.SequencedEvent;
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
 * Each user's events, each once; keyed by user. The learner puts them in order.
 *
 * <ul>
 *   <li>An event whose identifier is among those of the newest events or of the last {@value
 *       #RECENT} is a duplicate and is dropped.
 *   <li>An event older than the newest is late, and goes on: its place is before them.
 *   <li>An event of weight 0, or one older than all of a full sequence, is counted and has no
 *       place.
 *   <li>A user without events for sequence.retention is forgotten.
 * </ul>
 */
public final class SequenceFunction
    extends KeyedProcessFunction<String, Interaction, SequencedEvent> {
  /** Event identifiers that are remembered beside those of the newest events. */
  static final int RECENT = 200;

  private final JobConfig config;
  private transient int length;
  private transient ValueState<UserHistory> state;
  private transient Counter duplicates;
  private transient Counter late;
  private transient Counter tooLate;
  private transient Counter weightless;

  /** With the lengths of a configuration. */
  public SequenceFunction(JobConfig config) {
    this.config = config;
  }

  @Override
  public void open(OpenContext context) {
    // Inputs of the recommender, and the target of the last.
    length = config.get(JobOptions.RECOMMENDER_MAX_LENGTH) + 1;
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
  }

  @Override
  public void processElement(Interaction event, Context context, Collector<SequencedEvent> out)
      throws Exception {
    UserHistory history = state.value();
    if (history == null) {
      history = new UserHistory();
    }
    long id = hash(event.eventId);
    if (contains(history.ids, id) || contains(history.recentIds, id)) {
      duplicates.inc();
      return;
    }
    history.recentIds = append(history.recentIds, id);
    SequencedEvent accepted = new SequencedEvent();
    accepted.user = event.user;
    accepted.item = event.item;
    accepted.time = event.time;
    accepted.order = history.accepted++;
    accepted.placed = place(history, event, id);
    state.update(history);
    out.collect(accepted);
  }

  private boolean place(UserHistory history, Interaction event, long id) {
    int n = history.times.length;
    int at = n;
    while (at > 0 && history.times[at - 1] > event.time) {
      at--;
    }
    if (event.weight == 0) {
      weightless.inc();
      return false;
    }
    if (at == 0 && n >= length) {
      tooLate.inc();
      return false;
    }
    if (at < n) {
      late.inc();
    }
    // A full sequence loses its oldest.
    int drop = Math.max(0, n + 1 - length);
    history.times = insert(history.times, drop, at, event.time);
    history.ids = insert(history.ids, drop, at, id);
    return true;
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

  private static long[] append(long[] from, long value) {
    int drop = from.length == RECENT ? 1 : 0;
    long[] to = Arrays.copyOfRange(from, drop, from.length + 1);
    to[to.length - 1] = value;
    return to;
  }

  /** 64 bits: among 251 identifiers a wrong match has a probability below 2e-17 an event. */
  private static long hash(String eventId) {
    return SchemaNormalization.fingerprint64(eventId.getBytes(StandardCharsets.UTF_8));
  }
}
