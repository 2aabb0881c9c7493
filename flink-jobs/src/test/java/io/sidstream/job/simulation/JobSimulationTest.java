package io.sidstream.job.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Random histories of the whole job, each of a seed. */
class JobSimulationTest {
  private static final int HISTORIES = Integer.getInteger("simulation.histories", 20);
  private static final long FIRST = Long.getLong("simulation.seed", 1_000);

  private static final int SCRIPTS = 4;

  /** By script and shards, the recommenders of a run without faults. */
  private static final Map<String, Map<Long, String>> UNDISTURBED = new HashMap<>();

  @Test
  void everyHistoryKeepsItsPromises() throws Exception {
    long begin = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    long[] figures = new long[3];
    for (long seed = FIRST; seed < FIRST + HISTORIES; seed++) {
      run(seed, figures);
    }
    long took = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - begin;
    System.out.printf(
        "%d histories: %d moves, %d crashes, %d lost transactions, %.0f ms of a processor each%n",
        HISTORIES, figures[0], figures[1], figures[2], took / 1e6 / HISTORIES);
    // Faults that never come would find nothing.
    assertThat(figures[0]).as("moves").isGreaterThan(500L * HISTORIES);
    if (HISTORIES >= 20) {
      assertThat(figures[1]).as("crashes").isGreaterThan(HISTORIES / 2);
      assertThat(figures[2]).as("lost transactions").isPositive();
    }
  }

  /** Runs the history of a seed and adds its moves, crashes and lost transactions. */
  static void run(long seed, long[] figures) {
    try (History history = history(seed)) {
      figures[0] += history.simulation.moves;
      figures[1] += history.simulation.crashes;
      figures[2] += history.simulation.lost;
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
    if (random.nextInt(3) > 0) {
      History history = new History(random, new Settings(shards, random.nextBoolean(), true));
      run(history, history::runFreely);
      return history;
    }
    Settings settings = new Settings(shards, false, false);
    long script = random.nextInt(SCRIPTS);
    History history = new History(random, settings);
    run(history, () -> history.run(new Script(script, shards)));
    Map<Long, String> bits = new Oracle(history.simulation, settings.config()).recommenders();
    String about = "recommenders by revision, script %d, %d shards".formatted(script, shards);
    if (history.simulation.lost == 0) {
      assertThat(bits).as(about).isEqualTo(undisturbed(script, settings));
    } else {
      assertThat(undisturbed(script, settings)).as(about).containsAllEntriesOf(bits);
    }
    return history;
  }

  private static Map<Long, String> undisturbed(long script, Settings settings) throws Exception {
    String key = script + "/" + settings.shards();
    Map<Long, String> known = UNDISTURBED.get(key);
    if (known == null) {
      try (History history = new History(new SplittableRandom(script), settings, Faults.NONE)) {
        history.run(new Script(script, settings.shards()));
        known = new Oracle(history.simulation, settings.config()).recommenders();
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
