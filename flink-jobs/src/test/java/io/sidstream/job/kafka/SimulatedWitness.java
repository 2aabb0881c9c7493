package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.simulation.Workshop;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutorService;

/** Witnesses of sinks on the topics of a simulation, with their threads. */
public final class SimulatedWitness {
  private SimulatedWitness() {}

  /** A topic, as a reader of committed records has it. */
  public interface Topic<T> extends Serializable {
    /** Records that were committed, of those that were written since a time, ms. */
    Iterable<T> committed(long since);

    /** Asks for everything to be written again. */
    void republish(String reason);
  }

  public static <T> SinkWitness<T> of(
      JobConfig config, WireSerializer<T> serializer, Topic<T> topic, Workshop workshop) {
    return new Witness<>(config, serializer, topic, workshop);
  }

  private static final class Witness<T> extends SinkWitness<T> {
    private final Workshop workshop;

    Witness(JobConfig config, WireSerializer<T> serializer, Topic<T> topic, Workshop workshop) {
      super(
          config,
          serializer,
          true,
          (c, name, records) -> lacking(serializer, topic, records),
          (c, reason) -> topic.republish(reason));
      this.workshop = workshop;
    }

    @Override
    ExecutorService newThread() {
      return workshop;
    }
  }

  private static <T> List<WrittenRecord> lacking(
      WireSerializer<T> serializer, Topic<T> topic, Collection<WrittenRecord> records) {
    List<WrittenRecord> missing = new ArrayList<>();
    for (WrittenRecord written : records) {
      boolean found = false;
      for (T record : topic.committed(written.time)) {
        found |=
            Arrays.equals(serializer.key(record), written.key)
                && VersionsTopic.digest(serializer.bytes(record)) == written.digest;
      }
      if (!found) {
        missing.add(written);
      }
    }
    return missing;
  }
}
