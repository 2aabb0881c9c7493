package io.sidstream.job.simulation;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.kafka.RunClaims;
import io.sidstream.job.kafka.SimulatedWitness;
import io.sidstream.job.versions.SimulatedLedger;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.VersionRecord;
import java.io.Serializable;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;

/** What operators ask the broker of a simulation. */
final class BrokerViews {
  private BrokerViews() {}

  /** The version ledger's. */
  static final class Ledger implements SimulatedLedger.Topics {
    private static final long serialVersionUID = 1L;
    private final transient Simulation simulation;

    Ledger(Simulation simulation) {
      this.simulation = simulation;
    }

    @Override
    public Iterable<VersionRecord> committed() {
      return simulation.topics.versions.all();
    }

    @Override
    public Set<VersionRecord> written(long since) {
      return new HashSet<>(simulation.topics.versions.since(since));
    }

    @Override
    public void claim(String run) {
      if (!run.equals(simulation.claimed)) {
        simulation.claimed = run;
        simulation.topics.control(
            RunClaims.KEY + run, ControlAction.UNKNOWN, "simulation", simulation.now());
      }
    }
  }

  /** What the group's offsets say, which go with complete checkpoints. */
  static final class Offsets implements Backlog {
    private static final long serialVersionUID = 1L;
    private final transient Simulation simulation;

    Offsets(Simulation simulation) {
      this.simulation = simulation;
    }

    @Override
    public String ends(JobConfig config) {
      int[] ends = new int[2 * Topics.PARTITIONS];
      for (int p = 0; p < Topics.PARTITIONS; p++) {
        ends[p] = simulation.topics.items.size(p);
        ends[Topics.PARTITIONS + p] = simulation.topics.interactions.size(p);
      }
      return Arrays.stream(ends).mapToObj(Integer::toString).collect(Collectors.joining(","));
    }

    @Override
    public boolean read(JobConfig config, String ends) {
      String[] each = ends.split(",");
      for (int i = 0; i < each.length; i++) {
        String of = i < Topics.PARTITIONS ? "source-items" : "source-interactions";
        if (simulation.offset(of, i % Topics.PARTITIONS) < Integer.parseInt(each[i])) {
          return false;
        }
      }
      return true;
    }

    @Override
    public void close() {}
  }

  /** A witness's. */
  static final class Witnessed<T> implements SimulatedWitness.Topic<T>, Serializable {
    private static final long serialVersionUID = 1L;
    private final transient Simulation simulation;
    private final transient Log<T> log;

    Witnessed(Simulation simulation, Log<T> log) {
      this.simulation = simulation;
      this.log = log;
    }

    @Override
    public Iterable<T> committed(long since) {
      return log.since(since);
    }

    @Override
    public void republish(String reason) {
      simulation.topics.republished++;
      simulation.topics.control(null, ControlAction.REPUBLISH, reason, simulation.now());
    }
  }
}
