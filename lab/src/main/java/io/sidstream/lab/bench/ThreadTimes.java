package io.sidstream.lab.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Processor time of this process by kind of thread: a task of the job by the name of its chain, any
 * other by its name without numbers. Of the JVM's own threads and of RocksDB's Linux tells. What is
 * left, and what threads used that ended meanwhile, stands as {@link #OTHER}.
 */
final class ThreadTimes {
  static final String OTHER = "all other, and threads that ended";

  /**
   * Names of threads that are no Java threads, as Linux has them (15 characters), and their kind.
   */
  private static final Map<String, String> NATIVE =
      Map.of(
          "C1 Comp", "compiler",
          "C2 Comp", "compiler",
          "GC Thread", "collector",
          "G1 ", "collector",
          "VM ", "JVM",
          "rocksdb:low", "RocksDB: compaction",
          "rocksdb:high", "RocksDB: flush");

  private static final Path TASKS = Path.of("/proc/self/task");

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Kinds below this share of the whole are not listed. */
  private static final double LEAST = .01;

  private final Map<String, Long> nanos = new TreeMap<>();

  /**
   * Time that was used so far, ns.
   *
   * @param threads of each Java thread that lives, by its number
   * @param natives of other threads, by kind
   */
  record Used(Map<Long, Long> threads, Map<String, Long> natives) {}

  /** What was used so far. */
  static Used now() {
    Map<Long, Long> times = new HashMap<>();
    for (long id : THREADS.getAllThreadIds()) {
      long time = THREADS.getThreadCpuTime(id);
      if (time >= 0) {
        times.put(id, time);
      }
    }
    return new Used(times, natives());
  }

  private static Map<String, Long> natives() {
    Map<String, Long> times = new HashMap<>();
    if (!Files.isDirectory(TASKS)) {
      return times;
    }
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
      for (Path task : tasks) {
        try {
          String name = Files.readString(task.resolve("comm"));
          for (Map.Entry<String, String> kind : NATIVE.entrySet()) {
            if (name.startsWith(kind.getKey())) {
              String running = Files.readString(task.resolve("schedstat")).split(" ")[0];
              times.merge(kind.getValue(), Long.parseLong(running), Long::sum);
            }
          }
        } catch (IOException e) {
          // The thread has ended.
          continue;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return times;
  }

  /**
   * Adds what was used since.
   *
   * @param before of {@link #now}
   * @param allNanos of the whole process meanwhile, ns
   */
  void add(Used before, long allNanos) {
    Used used = now();
    Map<Long, Long> now = used.threads;
    long known = 0;
    for (Map.Entry<String, Long> kind : used.natives.entrySet()) {
      // A compiler's thread that ends takes its time with it.
      long more = Math.max(0, kind.getValue() - before.natives.getOrDefault(kind.getKey(), 0L));
      nanos.merge(kind.getKey(), more, Long::sum);
      known += more;
    }
    for (ThreadInfo thread :
        THREADS.getThreadInfo(now.keySet().stream().mapToLong(Long::longValue).toArray())) {
      if (thread != null) {
        long id = thread.getThreadId();
        long more = now.get(id) - before.threads.getOrDefault(id, 0L);
        nanos.merge(kind(thread.getThreadName()), more, Long::sum);
        known += more;
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
