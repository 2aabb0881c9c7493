package io.sidstream.job.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.schemas.IdEmbedding;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Random histories of the whole job, each of a seed. */
class JobSimulationTest {
  private static final int HISTORIES = Integer.getInteger("simulation.histories", 300);
  private static final long FIRST = Long.getLong("simulation.seed", 1_000);

  private static final int SCRIPTS = 4;

  /** What was learnt: recommenders by revision, ID embeddings by item. */
  private record Bits(Map<Long, String> recommenders, Map<String, IdEmbedding> embeddings) {}

  /** By script and settings, that of a run without faults. */
  private static final Map<String, Bits> UNDISTURBED = new HashMap<>();

  @Test
  void everyHistoryKeepsItsPromises() throws Exception {
    long begin = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    Figures figures = new Figures();
    for (long seed = FIRST; seed < FIRST + HISTORIES; seed++) {
      run(seed, figures);
    }
    long took = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - begin;
    System.out.printf("%s; %.1f ms of a processor each%n", figures, took / 1e6 / HISTORIES);
    // Faults that never come would find nothing.
    assertThat(figures.steps).as("moves").isGreaterThan(500L * HISTORIES);
    if (HISTORIES >= 100) {
      assertThat(figures.crashes).as("crashes").isGreaterThan(HISTORIES / 2);
      assertThat(figures.rescalings).as("rescalings").isGreaterThan(HISTORIES / 10);
      assertThat(figures.refused).as("checkpoints that failed").isGreaterThan(HISTORIES / 10);
      assertThat(figures.lost).as("lost transactions").isGreaterThan(HISTORIES / 10);
      assertThat(figures.said).as("control messages").isGreaterThan(HISTORIES / 10);
    }
  }

  /** Runs the history of a seed and adds what happened in it. */
  static void run(long seed, Figures figures) {
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
