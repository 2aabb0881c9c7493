package io.sidstream.tests.faults;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.reflect.UndeclaredThrowableException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Takes samples of what may grow, from a thread of its own: memory of each process, and the folders
 * of RocksDB, of checkpoints and of the broker's topics. None while a fault is being inflicted: a
 * job that is down is small.
 */
final class Vitals implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long SAMPLE_SECONDS = 10;

  /** Samples for a collection in every process. */
  private static final int COLLECT = 3;

  /** What a process and a job that have just begun need until they are what they will be. */
  private static final Duration YOUNG = Duration.ofSeconds(25);

  private final FaultCluster cluster;
  private final BooleanSupplier steady;
  private final double warmUpSeconds;
  private final double periodSeconds;
  private final long begin = System.nanoTime();
  private final Map<String, Trend> trends = new TreeMap<>();
  private final Map<Process, JvmProbe> probes = new HashMap<>();
  private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();
  private long unsteady = System.nanoTime();
  private int samples;
  private int failures;

  /**
   * Takes nothing yet.
   *
   * @param steady whether the job runs, as far as anybody knows
   */
  Vitals(FaultCluster cluster, BooleanSupplier steady, Duration warmUp, Duration period) {
    this.cluster = cluster;
    this.steady = steady;
    warmUpSeconds = warmUp.toSeconds();
    periodSeconds = period.toSeconds();
  }

  void start() {
    thread.scheduleWithFixedDelay(this::sample, 1, SAMPLE_SECONDS, TimeUnit.SECONDS);
  }

  private void sample() {
    if (!steady.getAsBoolean()) {
      unsteady = System.nanoTime();
      return;
    }
    if (System.nanoTime() - unsteady < YOUNG.toNanos() / 2) {
      return;
    }
    samples++;
    try {
      // What runs in which TaskManager changes with each kill; what they have together does not.
      Map<String, Double> together = new TreeMap<>();
      Map<String, Integer> counted = new HashMap<>();
      for (Member member : cluster.members()) {
        process(member)
            .forEach(
                (what, value) -> {
                  add(member + ", " + what, value);
                  if (cluster.taskManagers.contains(member)) {
                    together.merge(what, value, Double::sum);
                    counted.merge(what, 1, Integer::sum);
                  }
                });
      }
      together.forEach(
          (what, sum) -> {
            if (counted.get(what) == cluster.taskManagers.size()) {
              add("TaskManagers, " + what, sum);
            }
          });
      folder("RocksDB", cluster.temporary(), path -> path.toString().contains("/db/"));
      folder("checkpoints", cluster.checkpoints(), path -> true);
      folder("high availability", cluster.highAvailability(), path -> true);
      topics();
    } catch (IOException | RuntimeException e) {
      failures++;
      System.err.println("a sample failed: " + e);
    }
  }

  /** Its figures by name; none of one that is young. */
  private Map<String, Double> process(Member member) throws IOException {
    Map<String, Double> figures = new TreeMap<>();
    Process process = member.life();
    Instant started = process.info().startInstant().orElse(Instant.now());
    if (!process.isAlive() || started.plus(YOUNG).isAfter(Instant.now())) {
      return figures;
    }
    for (String line :
        Files.readAllLines(
            Path.of("/proc/" + process.pid() + "/status"), StandardCharsets.US_ASCII)) {
      if (line.startsWith("VmRSS:")) {
        figures.put("resident", 1024 * Double.parseDouble(line.replaceAll("\\D", "")));
      }
    }
    if (samples % COLLECT == 0) {
      try {
        JvmProbe probe = probes.get(process);
        if (probe == null) {
          probe = new JvmProbe(process);
          probes.put(process, probe);
        }
        figures.putAll(probe.collect());
      } catch (IOException | UndeclaredThrowableException e) {
        // It was killed meanwhile; a probe that is of no use any more is not asked again.
        failures++;
        probes.remove(process);
      }
      probes.keySet().removeIf(p -> !p.isAlive());
    }
    return figures;
  }

  private void folder(String name, Path root, Predicate<Path> counts) throws IOException {
    long[] found = new long[2];
    walk(
        root,
        (path, size) -> {
          if (counts.test(path)) {
            found[0] += size;
            found[1]++;
          }
        });
    add(name + ", bytes", found[0]);
    add(name + ", files", found[1]);
  }

  /** Each topic by itself; those of the broker's own are its own. */
  private void topics() throws IOException {
    Map<String, Double> sizes = new TreeMap<>();
    Function<String, String> topic = folder -> folder.replaceAll("-\\d+$", "");
    for (Path log : cluster.brokers.logs()) {
      walk(
          log,
          (path, size) -> {
            String folder = path.getParent().getFileName().toString();
            // Indices of an open segment have their largest size beforehand.
            if (path.toString().endsWith(".log") && folder.matches(".*-\\d+")) {
              sizes.merge(topic.apply(folder), (double) size, Double::sum);
            }
          });
    }
    sizes.forEach((name, size) -> add("topic " + name + ", bytes", size));
  }

  private interface Found {
    void file(Path path, long size);
  }

  private static void walk(Path root, Found found) throws IOException {
    if (!Files.isDirectory(root)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
            found.file(path, attributes.size());
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path path, IOException e) {
            // Gone since its folder was read.
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException e) {
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private void add(String name, double value) {
    double seconds = (System.nanoTime() - begin) / 1e9;
    Trend trend;
    synchronized (trends) {
      trend = trends.computeIfAbsent(name, n -> new Trend(periodSeconds, warmUpSeconds));
    }
    trend.add(seconds, value);
  }

  /** Every trend by name; for any thread. */
  ObjectNode json() {
    ObjectNode json = JSON.createObjectNode();
    json.put("samples", samples).put("samplesThatFailed", failures);
    synchronized (trends) {
      trends.forEach((name, trend) -> json.set(name, trend.json()));
    }
    return json;
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
