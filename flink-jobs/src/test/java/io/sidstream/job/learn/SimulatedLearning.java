package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.simulation.Workshop;
import io.sidstream.model.learn.LearnedRow;
import io.sidstream.schemas.Vectors;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;

/** Learn and Merge whose threads and stop watch a simulation has. */
public final class SimulatedLearning {
  private SimulatedLearning() {}

  public static LearnOperator learn(JobConfig config, Backlog backlog, Workshop workshop) {
    return new Learn(config, backlog, workshop);
  }

  public static MergeOperator merge(JobConfig config, Workshop workshop) {
    return new Merge(config, workshop);
  }

  /**
   * By item, the ID embedding that a shard has; without those that were never learnt.
   *
   * @param key of a shard of the operator
   */
  public static Map<String, List<Float>> embeddings(LearnOperator learn, int key, int dim)
      throws Exception {
    learn.setCurrentKey(key);
    ShardTables tables = new ShardTables(ShardTables.Store.of(learn.getKeyedStateStore(), false));
    Map<String, List<Float>> embeddings = new TreeMap<>();
    for (Map.Entry<String, Long> item : tables.itemNumbers.entries()) {
      LearnedRow row = tables.learned(item.getValue());
      if (row.idSteps() > 0) {
        embeddings.put(item.getKey(), Vectors.toList(Arrays.copyOf(row.id(), dim)));
      }
    }
    return embeddings;
  }

  private static final class Learn extends LearnOperator {
    private final Workshop workshop;

    Learn(JobConfig config, Backlog backlog, Workshop workshop) {
      super(config, backlog);
      this.workshop = workshop;
    }

    @Override
    ExecutorService newThreads() {
      return workshop;
    }

    @Override
    long nanos() {
      return workshop.nanos();
    }
  }

  private static final class Merge extends MergeOperator {
    private final Workshop workshop;

    Merge(JobConfig config, Workshop workshop) {
      super(config);
      this.workshop = workshop;
    }

    @Override
    ExecutorService newThread() {
      return workshop;
    }

    @Override
    long nanos() {
      return workshop.nanos();
    }
  }
}
