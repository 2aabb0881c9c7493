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
import java.time.Instant;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

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

  private static final WireFormat WIRE = new WireFormat();

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
      ControlMessage message = WIRE.decode(value, ControlMessage.class);
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
    TopicPartition partition = new TopicPartition(Topics.control(config), 0);
    Start[] newest = new Start[1];
    boolean[] own = new boolean[1];
    try (TopicTail tail = new TopicTail(config)) {
      tail.read(
          partition,
          tail.beginning(partition),
          tail.end(partition),
          record -> {
            Start start = of(record.key(), record.value());
            if (start != null) {
              newest[0] = start;
              own[0] |= start.run().equals(run);
            }
          });
    } catch (KafkaException e) {
      throw new IllegalStateException(
          "topic %s cannot be read on kafka.bootstrap %s: %s"
              .formatted(partition.topic(), config.get(JobOptions.KAFKA_BOOTSTRAP), e.getMessage()),
          e);
    }
    if (!own[0]) {
      OwnControl.send(
          config,
          (KEY + run).getBytes(StandardCharsets.UTF_8),
          ControlAction.UNKNOWN,
          "kafka.group %s on %s".formatted(config.get(JobOptions.KAFKA_GROUP), host()));
    } else if (!newest[0].run().equals(run)) {
      throw lost(config, newest[0]);
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
