package io.sidstream.job.kafka;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;

/**
 * Which run of the job has the topics: the one that said START last on the control topic. A run is
 * one graph as it was built, through all its automatic restarts; a job that is submitted again, or
 * whose program runs again after the loss of a JobManager, is a new run.
 *
 * <p>A START is a control message of no action (UNKNOWN, which no release does) under the key
 * {@link #KEY} and the identifier of the run.
 */
public final class RunClaims {
  /** What the key of a START begins with. */
  public static final String KEY = "start/";

  private static final long POLL_MS = 200;

  /** The claim is one of the first things that a job does; what takes longer than this hangs. */
  private static final Duration LONGEST = Duration.ofMinutes(5);

  private RunClaims() {}

  /**
   * A START on the control topic.
   *
   * @param run identifier of the run that began
   * @param who kafka.group and machine, for a message
   * @param time when, by the clock of that machine
   */
  public record Start(String run, String who, Instant time) {}

  /** What a record of the control topic starts; null for nothing. */
  public static Start of(byte[] key, byte[] value) {
    String name = key == null || value == null ? "" : new String(key, StandardCharsets.UTF_8);
    if (!name.startsWith(KEY)) {
      return null;
    }
    try {
      // An instance is for one thread, and every sink of a process asks at once.
      ControlMessage message = new WireFormat().decode(value, ControlMessage.class);
      return message.getAction() == ControlAction.UNKNOWN
          ? new Start(name.substring(KEY.length()), message.getReason(), message.getTime())
          : null;
    } catch (WireFormatException e) {
      // Those who read the topic for the gate tell of it.
      return null;
    }
  }

  /**
   * Takes the topics for a run. A run that had them before, and has not lost them since, keeps them
   * and writes nothing.
   *
   * @throws ConfigException where another run took them after this one
   * @throws IllegalStateException where the topic cannot be read or written; names it and the
   *     broker
   */
  public static void claim(JobConfig config, String run) throws InterruptedException {
    if (!has(config, run, false)) {
      OwnControl.send(
          config,
          (KEY + run).getBytes(StandardCharsets.UTF_8),
          ControlAction.UNKNOWN,
          "kafka.group %s on %s".formatted(config.get(JobOptions.KAFKA_GROUP), host()));
    }
  }

  /**
   * Waits until a run has taken the topics. What opens a transaction waits here first: it ends
   * those of the same name, and a run that is refused, or that has lost the topics, must end none.
   *
   * @throws ConfigException where another run took them after this one
   * @throws IllegalStateException where the topic cannot be read, or the run does not take them;
   *     names it and the broker
   */
  public static void await(JobConfig config, String run) throws InterruptedException {
    has(config, run, true);
  }

  private static boolean has(JobConfig config, String run, boolean wait)
      throws InterruptedException {
    TopicPartition partition = new TopicPartition(Topics.control(config), 0);
    long until = System.nanoTime() + LONGEST.toNanos();
    Seen seen = new Seen(run);
    try (TopicTail tail = new TopicTail(config)) {
      long from = tail.beginning(partition);
      while (true) {
        long end = tail.end(partition);
        tail.read(partition, from, end, record -> seen.add(of(record.key(), record.value())));
        from = Math.max(from, end);
        if (seen.own && !seen.newest.run().equals(run)) {
          throw lost(config, seen.newest);
        }
        if (seen.own || !wait) {
          return seen.own;
        }
        if (System.nanoTime() > until) {
          throw new IllegalStateException(
              "nothing on topic %s of kafka.bootstrap %s says after %s that run %s has it; the operator Version ledger was to say so"
                  .formatted(
                      partition.topic(), config.get(JobOptions.KAFKA_BOOTSTRAP), LONGEST, run));
        }
        TimeUnit.MILLISECONDS.sleep(POLL_MS);
      }
    } catch (InterruptException e) {
      throw new InterruptedException();
    } catch (KafkaException e) {
      throw new IllegalStateException(
          "topic %s cannot be read on kafka.bootstrap %s: %s"
              .formatted(partition.topic(), config.get(JobOptions.KAFKA_BOOTSTRAP), e.getMessage()),
          e);
    }
  }

  /** The STARTs of the topic, as far as it was read. */
  private static final class Seen {
    private final String run;
    private Start newest;
    private boolean own;

    Seen(String run) {
      this.run = run;
    }

    void add(Start start) {
      if (start != null) {
        newest = start;
        own |= start.run().equals(run);
      }
    }
  }

  /** What a run says that has lost its topics to another. */
  public static ConfigException lost(JobConfig config, Start by) {
    return new ConfigException(
        "another job began on the topics %s* at %s (%s), so that this one stops: two jobs would give the same versions. Let one of them run, or give the other a topics.prefix and a kafka.group of its own"
            .formatted(config.get(JobOptions.TOPICS_PREFIX), by.time(), by.who()));
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "a machine without a name";
    }
  }
}
