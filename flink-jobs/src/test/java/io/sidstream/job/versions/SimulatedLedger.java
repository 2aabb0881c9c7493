package io.sidstream.job.versions;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.VersionsTopic.Newest;
import io.sidstream.job.simulation.Workshop;
import io.sidstream.schemas.VersionRecord;
import java.io.Serializable;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;

/** The version ledger on the topics of a simulation, with its thread. */
public final class SimulatedLedger {
  private SimulatedLedger() {}

  /** What the ledger asks of the topics. */
  public interface Topics extends Serializable {
    /** The versions topic, as a reader of committed records has it. */
    Iterable<VersionRecord> committed();

    /** Those of its records that were written since a time, ms. */
    Set<VersionRecord> written(long since);

    /** A run takes the topics. */
    void claim(String run);
  }

  public static VersionLedger of(JobConfig config, String run, Topics topics, Workshop workshop) {
    return new Ledger(config, run, topics, workshop);
  }

  private static final class Ledger extends VersionLedger {
    private final Workshop workshop;

    Ledger(JobConfig config, String run, Topics topics, Workshop workshop) {
      super(config, run, new InMemory(topics));
      this.workshop = workshop;
    }

    @Override
    ExecutorService newThread() {
      return workshop;
    }
  }

  private record InMemory(Topics topics) implements VersionLedger.Topic {
    @Override
    public Newest newest(JobConfig config) {
      Newest newest = Newest.NONE;
      for (VersionRecord record : topics.committed()) {
        newest = newest.with(record);
      }
      return newest;
    }

    @Override
    public String another(JobConfig config) {
      return null;
    }

    @Override
    public Set<VersionRecord> written(JobConfig config, long since) {
      return topics.written(since);
    }

    @Override
    public Map<String, String> ids(JobConfig config) {
      return Map.of();
    }

    @Override
    public void republish(JobConfig config, String reason) {
      throw new AssertionError("no topic was made again");
    }

    @Override
    public void claim(JobConfig config, String run) {
      topics.claim(run);
    }
  }
}
