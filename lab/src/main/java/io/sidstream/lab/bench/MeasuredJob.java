package io.sidstream.lab.bench;

import io.sidstream.cli.Median;
import io.sidstream.lab.bench.BenchedJob.Times;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A job, and what its turns came to. */
final class MeasuredJob {
  final BenchedJob job;
  private final Map<BlockKind, Turns> turns = new EnumMap<>(BlockKind.class);

  /** Of one kind of block. */
  private static final class Turns {
    final List<Double> rates = new ArrayList<>();

    /** Processor time of a record, us. */
    final List<Double> costs = new ArrayList<>();

    final ThreadTimes threads = new ThreadTimes();
    long records;
  }

  MeasuredJob(BenchedJob job) {
    this.job = job;
    for (BlockKind kind : BlockKind.values()) {
      turns.put(kind, new Turns());
    }
  }

  /** Adds a block; what it came to, for a person. */
  String add(BlockKind kind, Times times) {
    Turns of = turns.get(kind);
    long records = times.records();
    double rate = records / Math.max(times.items(), times.interactions());
    double cost = times.cpuNanos() / 1e3 / records;
    of.rates.add(rate);
    of.costs.add(cost);
    of.threads.add(times.threads(), times.cpuNanos());
    of.records += records;
    String what = kind == BlockKind.BOTH ? "records/s of both" : text(kind) + "/s";
    return String.format(Locale.ROOT, "%,.0f %s, %.0f us of processor time each", rate, what, cost);
  }

  private static String text(BlockKind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** Puts medians of both jobs, and how much of the other's speed this one has. */
  void compareWith(MeasuredJob pass, Map<String, Object> result) {
    for (BlockKind kind : BlockKind.values()) {
      result.put(
          text(kind) + "PerSecond",
          compare(turns.get(kind).rates, pass.turns.get(kind).rates, false));
    }
    // Of the whole process, broker and reader included; tells more than rates where others use the
    // processors too.
    Map<BlockKind, String> names =
        Map.of(
            BlockKind.ITEMS,
            "cpuMicrosPerItem",
            BlockKind.INTERACTIONS,
            "cpuMicrosPerInteraction",
            BlockKind.BOTH,
            "cpuMicrosPerRecordOfBoth");
    for (BlockKind kind : BlockKind.values()) {
      result.put(names.get(kind), compare(turns.get(kind).costs, pass.turns.get(kind).costs, true));
    }
    for (BlockKind kind : List.of(BlockKind.ITEMS, BlockKind.INTERACTIONS)) {
      result.put(
          names.get(kind) + "ByThread",
          Map.of("job", byThread(kind), "passThrough", pass.byThread(kind)));
    }
  }

  /** Means of all turns. */
  private Map<String, Double> byThread(BlockKind kind) {
    return turns.get(kind).threads.micros(turns.get(kind).records);
  }

  private static Map<String, Object> compare(List<Double> job, List<Double> pass, boolean cost) {
    double ratio = cost ? median(pass) / median(job) : median(job) / median(pass);
    Map<String, Object> both = new LinkedHashMap<>();
    both.put("job", Math.round(median(job)));
    both.put("passThrough", Math.round(median(pass)));
    both.put("ratio", Math.round(ratio * 1000) / 1000.0);
    both.put("jobTurns", job.stream().map(Math::round).toList());
    both.put("passThroughTurns", pass.stream().map(Math::round).toList());
    return both;
  }

  private static double median(List<Double> values) {
    return Median.of(values.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
