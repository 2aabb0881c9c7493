package io.sidstream.lab.jmh;

import io.sidstream.model.math.Rng;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.StepStats;
import io.sidstream.model.train.UserSequences;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One step of training on 256 users with 9 events each, of 12,101 items with vectors of 384. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class StepBenchmark {
  private static final int ITEMS = 12_101;
  private static final int BATCHES = 8;
  private static final int LENGTH = 9;

  /** Recommendation loss. */
  @Param({"BCE", "SOFTMAX"})
  public JointConfig.Loss loss;

  /** What learns. */
  @Param({"JOINT", "RECOMMENDER", "QUANTIZER_ALONE"})
  public Phase phase;

  private JointTrainer trainer;
  private int[][] batches;
  private int next;

  /** Items with random vectors, users with random histories in which few items are many. */
  @Setup
  public void fill() {
    JointConfig config = JointConfig.builder().loss(loss).build();
    Rng rng = new Rng(1);
    ItemTable items = JointTrainer.newItemTable(config);
    for (int i = 0; i < ITEMS; i++) {
      items.put(i, EncodeBenchmark.gaussian(config.contentDim(), rng), 0);
    }
    UserSequences users = new UserSequences(config.maxLen() + 1);
    batches = new int[BATCHES][config.batchUsers()];
    for (int u = 0; u < BATCHES * config.batchUsers(); u++) {
      int[] sequence = new int[LENGTH];
      for (int i = 0; i < LENGTH; i++) {
        double draw = Rng.uniform(Rng.hash(1, u, i));
        sequence[i] = (int) (ITEMS * draw * draw);
      }
      users.set(u, sequence, new long[LENGTH]);
      batches[u / config.batchUsers()][u % config.batchUsers()] = u;
    }
    trainer = new JointTrainer(config, items, users, 1);
    trainer.initialiseCodebooks(2048);
    trainer.adopt(trainer.candidate(new float[config.levels()]));
  }

  /** One step. */
  @Benchmark
  public StepStats step() {
    next = (next + 1) % BATCHES;
    return trainer.step(batches[next], phase);
  }
}
