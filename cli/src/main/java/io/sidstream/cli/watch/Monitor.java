package io.sidstream.cli.watch;

import io.sidstream.cli.feed.FlowControl;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the output topics as any downstream would, committed records only, from their beginning,
 * into a Progress.
 */
public final class Monitor implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Monitor.class);

  private static final Duration POLL = Duration.ofMillis(100);

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final String tokensTopic;
  private final String versionsTopic;
  private final WireFormat wire = new WireFormat();
  private final Progress progress;
  private final FlowControl flow;
  private final Map<String, Long> sendTimes;
  private final Thread thread;
  private volatile boolean closed;
  private volatile Throwable failure;

  /**
   * Starts reading.
   *
   * @param bootstrap broker, host:port
   * @param tokensTopic topic of tokens
   * @param versionsTopic topic of versions
   * @param deadLettersTopic topic of dead letters
   * @param progress what is read goes there
   * @param flow is told how far the trainer has come
   * @param sendTimes when each item was sent, ms
   */
  public Monitor(
      String bootstrap,
      String tokensTopic,
      String versionsTopic,
      String deadLettersTopic,
      Progress progress,
      FlowControl flow,
      Map<String, Long> sendTimes) {
    this.tokensTopic = tokensTopic;
    this.versionsTopic = versionsTopic;
    this.progress = progress;
    this.flow = flow;
    this.sendTimes = sendTimes;
    consumer =
        new KafkaConsumer<>(
            Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrap,
                ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class,
                ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class,
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                "read_committed",
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                "earliest",
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                5000,
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                false,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                false));
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : List.of(tokensTopic, versionsTopic, deadLettersTopic)) {
      consumer
          .partitionsFor(topic)
          .forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
    }
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    thread = new Thread(this::read, "monitor");
    thread.setDaemon(true);
    thread.start();
  }

  /** What stopped the reading, or null. */
  public Throwable failure() {
    return failure;
  }

  private void read() {
    try (consumer) {
      while (!closed) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
        long now = System.currentTimeMillis();
        for (ConsumerRecord<byte[], byte[]> record : records) {
          take(record, now);
        }
        flow.consumed(progress.settledInteractions());
      }
    } catch (WakeupException e) {
      // close()
    } catch (RuntimeException e) {
      failure = e;
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record, long now) {
    if (record.topic().equals(tokensTopic)) {
      String item = new String(record.key(), StandardCharsets.UTF_8);
      ItemToken row = record.value() == null ? null : wire.decode(record.value(), ItemToken.class);
      progress.token(item, row, sendTimes.get(item), now);
    } else if (record.topic().equals(versionsTopic)) {
      version(record.value(), now);
    } else {
      progress.deadLetter(wire.decode(record.value(), DeadLetter.class));
    }
  }

  private void version(byte[] value, long now) {
    VersionRecord version;
    try {
      version = value == null ? null : wire.decode(value, VersionRecord.class);
    } catch (WireFormatException e) {
      // Somebody else's: the job puts it into the dead letters.
      return;
    }
    if (version != null) {
      log(version);
      progress.version(version, now);
    }
  }

  /**
   * A line for each decision of the gate and each round, so that they can be read after the run.
   */
  private static void log(VersionRecord v) {
    if (v.getState() == VersionState.REVISION) {
      LOG.info(
          "round: revision {}, {} interactions, loss {}",
          v.getRevision(),
          v.getInteractions(),
          v.getLoss());
    } else {
      LOG.info(
          "gate: version {} {} at revision {}, {} items{}",
          v.getVersion(),
          v.getState(),
          v.getRevision(),
          v.getItems(),
          v.getReason() == null ? "" : ": " + v.getReason());
    }
  }

  @Override
  public void close() {
    closed = true;
    consumer.wakeup();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
