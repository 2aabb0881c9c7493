package io.sidstream.job.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.schemas.IdEmbedding;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/**
 * Random histories of the whole job, each of a seed; most of them are short. No more is begun when
 * {@code simulation.minutes} are over: on a machine that does much else it is fewer.
 */
class JobSimulationTest {
  private static final int HISTORIES = Integer.getInteger("simulation.histories", 10_000);
  private static final long MINUTES = Long.getLong("simulation.minutes", 10);
  private static final long FIRST = Long.getLong("simulation.seed", 1_000);

  private static final int SCRIPTS = 8;

  /** What was learnt: recommenders by revision, ID embeddings by item. */
  private record Bits(Map<Long, String> recommenders, Map<String, IdEmbedding> embeddings) {}

  /** By script and settings, that of a run without faults. */
  private static final Map<String, Bits> UNDISTURBED = new ConcurrentHashMap<>();

  @Test
  void everyHistoryKeepsItsPromises() throws Exception {
    long begin = System.nanoTime();
    Figures figures = new Figures();
    // Each is a world of its own, so that processors share them.
    int threads = Runtime.getRuntime().availableProcessors();
    AtomicLong next = new AtomicLong(FIRST);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        all.add(pool.submit(() -> runFrom(next, figures)));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      pool.shutdownNow();
    }
    System.out.printf("%s; %.1f s%n", figures, (System.nanoTime() - begin) / 1e9);
    // Faults that never come would find nothing.
    long run = figures.histories;
    assertThat(run).as("histories").isPositive();
    assertThat(figures.steps).as("moves").isGreaterThan(200 * run);
    if (run >= 100) {
      assertThat(figures.crashes).as("crashes").isGreaterThan(run / 4);
      assertThat(figures.rescalings).as("rescalings").isGreaterThan(run / 20);
      assertThat(figures.refused).as("checkpoints that failed").isGreaterThan(run / 20);
      assertThat(figures.lost).as("lost transactions").isGreaterThan(run / 20);
      assertThat(figures.said).as("control messages").isGreaterThan(run / 20);
    }
  }

  /** Runs one history after the other; none after one that failed. */
  private static void runFrom(AtomicLong next, Figures figures) {
    long end = FIRST + HISTORIES;
    long until = System.nanoTime() + TimeUnit.MINUTES.toNanos(MINUTES);
    try {
      for (long seed = next.getAndIncrement();
          seed < end && System.nanoTime() < until;
          seed = next.getAndIncrement()) {
        run(seed, figures);
      }
    } finally {
      next.set(end);
    }
  }

  /** Runs the history of a seed and adds what happened in it. */
  private static void run(long seed, Figures figures) {
    try (History history = history(seed)) {
      figures.add(history.simulation);
    } catch (Throwable e) {
      throw new AssertionError(
          "history of seed %d; again: ./mvnw -pl flink-jobs -am test -Dtest=JobSimulationTest -Dsurefire.failIfNoSpecifiedTests=false '-Dtest.jvm.args=-Xmx1g -Dsimulation.seed=%d -Dsimulation.histories=1'"
              .formatted(seed, seed),
          e);
    }
  }

  private static History history(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    int shards = new int[] {1, 1, 1, 2, 2, 3}[random.nextInt(6)];
    int every = new int[] {1, 1, 2, 3}[random.nextInt(4)];
    if (random.nextInt(3) > 0) {
      History history =
          new History(random, new Settings(shards, random.nextBoolean(), true, every));
      run(history, history::runFreely);
      return history;
    }
    Settings settings = new Settings(shards, false, false, every);
    long script = random.nextInt(SCRIPTS);
    History history = new History(random, settings);
    run(history, () -> history.run(new Script(script, shards)));
    Oracle oracle = new Oracle(history.simulation, settings.config());
    Bits bits = new Bits(oracle.recommenders(), oracle.embeddings());
    Bits expected = undisturbed(script, settings);
    String about = "script %d, %s, by revision or item".formatted(script, settings);
    if (history.simulation.lost == 0) {
      assertThat(bits).as(about).isEqualTo(expected);
    } else {
      assertThat(expected.recommenders).as(about).containsAllEntriesOf(bits.recommenders);
    }
    return history;
  }

  private static Bits undisturbed(long script, Settings settings) throws Exception {
    String key = script + "/" + settings;
    Bits known = UNDISTURBED.get(key);
    if (known == null) {
      try (History history = new History(new SplittableRandom(script), settings, Faults.NONE)) {
        history.run(new Script(script, settings.shards()));
        Oracle oracle = new Oracle(history.simulation, settings.config());
        known = new Bits(oracle.recommenders(), oracle.embeddings());
      }
      UNDISTURBED.put(key, known);
    }
    return known;
  }

  private interface Run {
    void run() throws Exception;
  }

  private static void run(History history, Run run) throws Exception {
    try {
      run.run();
    } catch (Throwable e) {
      history.close();
      throw e;
    }
  }
}
