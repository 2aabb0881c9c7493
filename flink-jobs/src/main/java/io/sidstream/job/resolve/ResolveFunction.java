package io.sidstream.job.resolve;

import io.sidstream.job.config.JobOptions.ResolveStrategy;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.Resolved;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Makes tokens unique. Keyed by prefix (the codes of all levels but the last), it owns which
 * last-level codes and suffixes are taken. An item keeps what it was given while its claim chooses
 * the same last-level code, whatever other items do.
 *
 * <p>What is given back is in quarantine: a token released at version r is given only to claims of
 * version r + quarantine or later, and the quarantine is one version at least. What leaves a token
 * and what takes it are answered apart: one item's row may be of another subtask, or of a later
 * checkpoint, than the other's, so that a token given again at once could be had by both in one
 * committed table.
 *
 * <p>State per prefix: one {@link CodePool}, one entry per item, and per tuple that ever needed
 * suffixes a counter and a queue of suffixes given back. A claim reads and writes a constant number
 * of entries, however many items share the prefix. The strategies NEAREST_FREE and SUFFIX share the
 * state and may be exchanged at a restart; NONE keeps none, so that Train refuses to go on with it
 * after the others, or with them after it.
 */
public class ResolveFunction extends KeyedProcessFunction<String, Claim, Resolved>
    implements CheckpointedFunction {

  /** The key of a claim: its prefix as decimal codes joined by dots, such as {@code 12.7}. */
  public static final KeySelector<Claim, String> BY_PREFIX = ResolveFunction::prefixKey;

  private final ResolveStrategy strategy;
  private final int quarantine;

  /** Item to its seat: chosen code (bits 48..63), given code (bits 32..47), suffix (bits 0..31). */
  private transient MapState<String, Long> seats;

  private transient ValueState<byte[]> pool;

  /** Code to {next new suffix, head, tail} of its queue of suffixes given back. */
  private transient MapState<Integer, long[]> suffixes;

  /**
   * Code (bits 32..63) and position (bits 0..31) to a suffix given back: {suffix, first version
   * that may have it}.
   */
  private transient MapState<Long, long[]> restingSuffixes;

  /** What rests, for its metric: {first version that may have it, tokens}. */
  private transient ListState<long[]> restingState;

  private transient TreeMap<Integer, Long> resting;

  /** The newest version that a claim named. */
  private transient int newest;

  private transient volatile long quarantined;
  private transient volatile int fullest;

  private transient Counter claims;
  private transient Counter repaired;
  private transient Counter suffixed;
  private transient Counter releases;
  private transient Counter unknown;

  /**
   * @param strategy how collisions are repaired
   * @param quarantine versions for which a token given back rests, at least 1
   */
  public ResolveFunction(ResolveStrategy strategy, int quarantine) {
    if (quarantine < 1) {
      throw new IllegalArgumentException(
          "resolve.quarantine="
              + quarantine
              + " must be at least 1 version: without a rest two items can have one token in a committed table");
    }
    this.strategy = strategy;
    this.quarantine = quarantine;
  }

  private static String prefixKey(Claim claim) {
    StringBuilder key = new StringBuilder();
    for (int code : claim.prefix) {
      if (key.length() > 0) {
        key.append('.');
      }
      key.append(code);
    }
    return key.toString();
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    restingState =
        context
            .getOperatorStateStore()
            .getListState(
                new ListStateDescriptor<>(
                    "resting", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    resting = new TreeMap<>();
    for (long[] rest : restingState.get()) {
      resting.merge((int) rest[0], rest[1], Long::sum);
    }
    quarantined = resting.values().stream().mapToLong(Long::longValue).sum();
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    restingState.clear();
    for (Map.Entry<Integer, Long> rest : resting.entrySet()) {
      restingState.add(new long[] {rest.getKey(), rest.getValue()});
    }
  }

  @Override
  public void open(OpenContext context) {
    seats =
        getRuntimeContext()
            .getMapState(new MapStateDescriptor<>("seats", Types.STRING, Types.LONG));
    pool =
        getRuntimeContext()
            .getState(
                new ValueStateDescriptor<>(
                    "pool", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    suffixes =
        getRuntimeContext()
            .getMapState(
                new MapStateDescriptor<>(
                    "suffixes", Types.INT, PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    restingSuffixes =
        getRuntimeContext()
            .getMapState(
                new MapStateDescriptor<>(
                    "resting-suffixes",
                    Types.LONG,
                    PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    MetricGroup metrics = getRuntimeContext().getMetricGroup();
    claims = JobMetric.CLAIMS.counter(metrics);
    repaired = JobMetric.REPAIRED.counter(metrics);
    suffixed = JobMetric.SUFFIXED.counter(metrics);
    JobMetric.QUARANTINED.gauge(metrics, () -> quarantined);
    JobMetric.FULLEST_PREFIX.gauge(metrics, () -> fullest);
    releases = JobMetric.RELEASES.counter(metrics);
    unknown = JobMetric.UNKNOWN_RELEASES.counter(metrics);
  }

  @Override
  public void processElement(Claim claim, Context context, Collector<Resolved> out)
      throws Exception {
    if (claim.version > newest) {
      newest = claim.version;
      rested();
    }
    if (claim.release) {
      release(claim, out);
    } else {
      claims.inc();
      long seat =
          strategy == ResolveStrategy.NONE
              ? seat(claim.chosen, claim.chosen, 0)
              : assign(claim, claim.chosen);
      if (suffix(seat) != 0) {
        suffixed.inc();
      }
      if (suffix(seat) != 0 || given(seat) != claim.chosen) {
        repaired.inc();
      }
      out.collect(answer(claim, given(seat), suffix(seat)));
    }
  }

  private void release(Claim claim, Collector<Resolved> out) throws Exception {
    if (!claim.tokenless()) {
      releases.inc();
    }
    if (strategy != ResolveStrategy.NONE && !claim.tokenless()) {
      Long seat = seats.get(claim.item);
      if (seat == null) {
        unknown.inc();
      } else {
        seats.remove(claim.item);
        CodePool codes = CodePool.fromBytes(pool.value());
        vacate(codes, seat, claim.version + quarantine);
        pool.update(codes.toBytes());
      }
    }
    if (claim.deleted) {
      // Also where the seat is unknown: Publish knows whether there is a row to remove.
      Resolved gone = new Resolved();
      gone.item = claim.item;
      gone.deleted = true;
      gone.seq = claim.seq;
      gone.version = claim.version;
      gone.revision = claim.revision;
      gone.time = claim.time;
      out.collect(gone);
    }
  }

  /** The seat of the claim's item, kept or new. */
  private long assign(Claim claim, int chosen) throws Exception {
    Long held = seats.get(claim.item);
    if (held != null && chosen(held) == chosen) {
      return held;
    }
    CodePool codes = CodePool.fromBytes(pool.value());
    int code = nearestFree(claim, codes, held);
    long seat;
    if (code >= 0) {
      boolean own = held != null && suffix(held) == 0 && given(held) == code;
      if (!own) {
        codes.take(code);
        if (held != null) {
          vacate(codes, held, claim.version + quarantine);
        }
      }
      seat = seat(chosen, code, 0);
    } else {
      seat = seat(chosen, chosen, takeSuffix(chosen, claim.version));
      if (held != null) {
        vacate(codes, held, claim.version + quarantine);
      }
    }
    fullest = Math.max(fullest, codes.used(claim.version));
    seats.put(claim.item, seat);
    pool.update(codes.toBytes());
    return seat;
  }

  /**
   * The chosen code, else the nearest (ties to the lowest), that is free or the item's own; -1 for
   * none.
   */
  private int nearestFree(Claim claim, CodePool codes, Long held) {
    int own = held != null && suffix(held) == 0 ? given(held) : -1;
    if (claim.chosen == own || codes.isFree(claim.chosen, claim.version)) {
      return claim.chosen;
    }
    int nearest = -1;
    if (strategy != ResolveStrategy.SUFFIX) {
      float least = Float.POSITIVE_INFINITY;
      for (int code = 0; code < claim.lastDistances.length; code++) {
        if (claim.lastDistances[code] < least
            && (code == own || codes.isFree(code, claim.version))) {
          least = claim.lastDistances[code];
          nearest = code;
        }
      }
    }
    return nearest;
  }

  private void vacate(CodePool codes, long seat, int reusableFrom) throws Exception {
    resting.merge(reusableFrom, 1L, Long::sum);
    rested();
    if (suffix(seat) == 0) {
      codes.release(given(seat), reusableFrom);
    } else {
      long[] counter = suffixes.get(given(seat));
      restingSuffixes.put(
          position(given(seat), counter[2]++), new long[] {suffix(seat), reusableFrom});
      suffixes.put(given(seat), counter);
    }
  }

  /** Counts what still rests at the newest version. */
  private void rested() {
    resting.headMap(newest, true).clear();
    long tokens = 0;
    for (long rest : resting.values()) {
      tokens += rest;
    }
    quarantined = tokens;
  }

  /**
   * A suffix of the tuple: the one given back longest ago if its rest is over, else a new one. The
   * queue is in order of release, so that only its head is looked at.
   */
  private int takeSuffix(int code, int version) throws Exception {
    long[] counter = suffixes.get(code);
    if (counter == null) {
      counter = new long[] {1, 0, 0};
    }
    int suffix;
    long[] oldest =
        counter[1] < counter[2] ? restingSuffixes.get(position(code, counter[1])) : null;
    if (oldest != null && version >= oldest[1]) {
      suffix = (int) oldest[0];
      restingSuffixes.remove(position(code, counter[1]++));
    } else {
      suffix = (int) counter[0]++;
    }
    suffixes.put(code, counter);
    return suffix;
  }

  private static Resolved answer(Claim claim, int code, int suffix) {
    Resolved resolved = new Resolved();
    resolved.item = claim.item;
    resolved.seq = claim.seq;
    resolved.version = claim.version;
    resolved.revision = claim.revision;
    resolved.codes = Arrays.copyOf(claim.prefix, claim.prefix.length + 1);
    resolved.codes[claim.prefix.length] = code;
    resolved.suffix = suffix;
    resolved.nearest = Arrays.copyOf(claim.prefix, claim.prefix.length + 1);
    resolved.nearest[claim.prefix.length] = claim.chosen;
    resolved.distances = claim.distances;
    resolved.margins = claim.margins;
    resolved.time = claim.time;
    resolved.arrived = claim.arrived;
    return resolved;
  }

  private static long seat(int chosen, int given, int suffix) {
    return (long) chosen << 48 | (long) given << 32 | suffix;
  }

  private static int chosen(long seat) {
    return (int) (seat >>> 48);
  }

  private static int given(long seat) {
    return (int) (seat >>> 32) & 0xffff;
  }

  private static int suffix(long seat) {
    return (int) seat;
  }

  private static long position(int code, long position) {
    return (long) code << 32 | (position & 0xffffffffL);
  }
}
