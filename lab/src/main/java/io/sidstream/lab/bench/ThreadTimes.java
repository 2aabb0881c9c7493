package io.sidstream.lab.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Processor time of this process by kind of thread: a task of the job by the name of its chain, any
 * other by its name without numbers. What no Java thread used (compiler, collector, RocksDB's own
 * threads) stands as {@link #OTHER}. A thread that ended meanwhile counts there, too.
 */
final class ThreadTimes {
  static final String OTHER = "compiler, collector, RocksDB and threads that ended";

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Kinds below this share of the whole are not listed. */
  private static final double LEAST = .01;

  private final Map<String, Long> nanos = new TreeMap<>();

  /** Time of each thread that lives, ns, by its number. */
  static Map<Long, Long> now() {
    Map<Long, Long> times = new HashMap<>();
    for (long id : THREADS.getAllThreadIds()) {
      long time = THREADS.getThreadCpuTime(id);
      if (time >= 0) {
        times.put(id, time);
      }
    }
    return times;
  }

  /**
   * Adds what was used since.
   *
   * @param before of {@link #now}
   * @param allNanos of the whole process meanwhile, ns
   */
  void add(Map<Long, Long> before, long allNanos) {
    Map<Long, Long> now = now();
    long known = 0;
    for (ThreadInfo thread :
        THREADS.getThreadInfo(now.keySet().stream().mapToLong(Long::longValue).toArray())) {
      if (thread != null) {
        long used = now.get(thread.getThreadId()) - before.getOrDefault(thread.getThreadId(), 0L);
        nanos.merge(kind(thread.getThreadName()), used, Long::sum);
        known += used;
      }
    }
    nanos.merge(OTHER, Math.max(0, allNanos - known), Long::sum);
  }

  private static String kind(String name) {
    // A task: "Embed -> Tokenize (1/2)#0".
    String task = name.replaceFirst(" \\(\\d+/\\d+\\)#\\d+.*$", "");
    return task.equals(name) ? name.replaceAll("[-_#]?\\d+", "") : task;
  }

  /** Microseconds a record of each kind, the dearest first. */
  Map<String, Double> micros(long records) {
    double all = nanos.values().stream().mapToLong(Long::longValue).sum();
    Map<String, Double> listed = new LinkedHashMap<>();
    nanos.entrySet().stream()
        .filter(e -> e.getValue() >= LEAST * all)
        .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
        .forEach(e -> listed.put(e.getKey(), Math.round(e.getValue() / 100.0 / records) / 10.0));
    return listed;
  }
}
