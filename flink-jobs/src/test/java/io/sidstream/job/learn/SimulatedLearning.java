package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.simulation.Workshop;
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
