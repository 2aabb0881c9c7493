package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a reader of committed records finds in a partition, up to where it ends at the time of
 * asking; or one of all records, which also has those of transactions that are open. For one
 * thread.
 *
 * <p>Every method throws {@link org.apache.kafka.common.KafkaException} where the broker does not
 * answer.
 */
final class TopicTail implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final long SAY_NS = TimeUnit.SECONDS.toNanos(30);
  private static final Logger LOG = LoggerFactory.getLogger(TopicTail.class);

  private final KafkaConsumer<byte[], byte[]> consumer;

  /** Of committed records. */
  TopicTail(JobConfig config) {
    this(config, "read_committed");
  }

  private TopicTail(JobConfig config, String isolation) {
    Properties properties = Topics.clientProperties(config);
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
    consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** Of all records: also of transactions that are open, and of those that were aborted. */
  static TopicTail ofAll(JobConfig config) {
    return new TopicTail(config, "read_uncommitted");
  }

  /** Partitions of a topic. */
  int partitions(String topic) {
    return consumer.partitionsFor(topic).size();
  }

  /**
   * Offset behind the last committed record: of the first open transaction, or the end; of all
   * records, the end.
   */
  long end(TopicPartition partition) {
    // Of a consumer that reads committed records, this is the last stable offset.
    return consumer.endOffsets(List.of(partition)).get(partition);
  }

  /** Offset of the oldest record that is left. */
  long beginning(TopicPartition partition) {
    return consumer.beginningOffsets(List.of(partition)).get(partition);
  }

  /** Offset of the first record that is not older than a time, or the end. */
  long since(TopicPartition partition, long millis) {
    OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, millis)).get(partition);
    return found == null ? end(partition) : found.offset();
  }

  /**
   * Reads, of committed records, what was written since a time; then what may yet be committed:
   * from the first open transaction on nobody knows.
   *
   * @param all of all records, on the same broker
   * @param open is given what lies behind the first open transaction, aborted records included
   * @throws InterruptedException where the thread is asked to end
   */
  void readSince(
      TopicPartition partition,
      long millis,
      TopicTail all,
      Consumer<ConsumerRecord<byte[], byte[]>> committed,
      Consumer<ConsumerRecord<byte[], byte[]>> open)
      throws InterruptedException {
    long stable = end(partition);
    read(partition, since(partition, millis), stable, committed);
    all.read(partition, stable, all.end(partition), open);
  }

  /**
   * Reads records from an offset (inclusive) to another (exclusive).
   *
   * @throws InterruptedException where the thread is asked to end
   */
  void read(
      TopicPartition partition, long from, long to, Consumer<ConsumerRecord<byte[], byte[]>> each)
      throws InterruptedException {
    if (from >= to) {
      return;
    }
    consumer.assign(List.of(partition));
    consumer.seek(partition, from);
    long position = from;
    long since = System.nanoTime();
    while (position < to) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
        if (record.offset() < to) {
          each.accept(record);
        }
      }
      long next = consumer.position(partition);
      if (next > position) {
        position = next;
        since = System.nanoTime();
      } else if (System.nanoTime() - since > SAY_NS) {
        since = System.nanoTime();
        LOG.warn(
            "Waiting for records {} to {} of {}: the broker has given none for {} s",
            position,
            to,
            partition,
            TimeUnit.NANOSECONDS.toSeconds(SAY_NS));
      }
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
