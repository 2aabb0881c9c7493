package io.sidstream.job.kafka;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * What a job that begins without state, or with state of before, finds in its topics.
 *
 * <p>Token versions are numbered by the state of the job. Without it the job would begin at version
 * 1 again, beside the rows and commits of its earlier life, and no reader could tell the two apart.
 * A job that was killed before its first checkpoint has committed nothing, and may begin again.
 */
public final class EarlierVersions {
  private static final Duration POLL = Duration.ofMillis(200);

  private EarlierVersions() {}

  /**
   * Refuses to begin without state where a version was committed or begun before. To be called only
   * where there is no state to go on from, when the topics exist.
   *
   * @throws ConfigException names the topic, the newest version in it and what to do
   * @throws IllegalStateException where the topic cannot be read; names the broker
   */
  public static void refuse(JobConfig config) throws InterruptedException {
    int newest = newest(config, EnumSet.of(VersionState.BEGIN, VersionState.COMMIT));
    if (newest > 0) {
      throw new ConfigException(
          "topic "
              + Topics.versions(config)
              + " already holds token version "
              + newest
              + " of an earlier run, and there is no checkpoint or savepoint to go on from: give it"
              + " (--state DIR, or flink run -s PATH), or begin anew with another topics.prefix and"
              + " kafka.group, or delete the topics that begin with '"
              + config.get(JobOptions.TOPICS_PREFIX)
              + "'");
    }
  }

  /**
   * The newest version that was begun as readers of committed records see it, 0 for none.
   *
   * @throws IllegalStateException where the topic cannot be read; names the broker
   */
  public static int begun(JobConfig config) throws InterruptedException {
    return newest(config, EnumSet.of(VersionState.BEGIN));
  }

  private static int newest(JobConfig config, Set<VersionState> states)
      throws InterruptedException {
    String topic = Topics.versions(config);
    String bootstrap = config.get(JobOptions.KAFKA_BOOTSTRAP);
    try {
      return newest(config, states, topic, bootstrap);
    } catch (ExecutionException | KafkaException e) {
      Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
      throw new IllegalStateException(
          "topic "
              + topic
              + " cannot be read on kafka.bootstrap "
              + bootstrap
              + ": "
              + cause.getMessage(),
          cause);
    }
  }

  /** The newest version that a record of the topic in one of the states names, 0 for none. */
  private static int newest(
      JobConfig config, Set<VersionState> states, String topic, String bootstrap)
      throws ExecutionException, InterruptedException {
    TopicPartition partition = new TopicPartition(topic, 0);
    Properties properties = config.kafkaProperties();
    properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    long end;
    // What an open transaction holds was never committed, and the job's own start aborts it.
    try (Admin admin = Admin.create(properties)) {
      end =
          admin
              .listOffsets(
                  Map.of(partition, OffsetSpec.latest()),
                  new ListOffsetsOptions(IsolationLevel.READ_COMMITTED))
              .partitionResult(partition)
              .get()
              .offset();
    }
    if (end == 0) {
      return 0;
    }
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
    int newest = 0;
    WireFormat wire = new WireFormat();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      while (consumer.position(partition) < end) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          newest = Math.max(newest, version(record.value(), states, wire));
        }
      }
    }
    return newest;
  }

  private static int version(byte[] value, Set<VersionState> states, WireFormat wire) {
    if (value == null) {
      return 0;
    }
    try {
      VersionRecord record = wire.decode(value, VersionRecord.class);
      return states.contains(record.getState()) ? record.getVersion() : 0;
    } catch (WireFormatException e) {
      // Not the job's: it goes to the dead letters.
      return 0;
    }
  }
}
