package io.sidstream.lab.bench;

import io.sidstream.cli.run.JobRun;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.metrics.groups.OperatorMetricGroup;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * What a job has done: committed token rows, as others see them, and records that its operators
 * have read, of which the metrics of this process tell without asking the job.
 */
final class Arrivals implements AutoCloseable {
  private static final int ITEM_PREFIX = "item-".length();

  private final KafkaConsumer<byte[], byte[]> reader;
  private final InMemoryReporter metrics;
  private final JobID job;
  private final BitSet rows = new BitSet();
  private long first;
  private int expected;

  /**
   * Of a run.
   *
   * @param metrics where its cluster reports metrics to
   */
  Arrivals(JobConfig config, JobRun run, InMemoryReporter metrics) {
    this.metrics = metrics;
    job = run.id();
    reader = tail(config, Topics.tokens(config));
  }

  /** A reader of what is committed to topics of the job from now on. */
  static KafkaConsumer<byte[], byte[]> tail(JobConfig config, String... topics) {
    KafkaConsumer<byte[], byte[]> reader =
        new KafkaConsumer<>(
            Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                config.get(JobOptions.KAFKA_BOOTSTRAP),
                ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class,
                ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class,
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                "read_committed",
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                false,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                false));
    List<TopicPartition> partitions =
        Stream.of(topics)
            .flatMap(topic -> reader.partitionsFor(topic).stream())
            .map(p -> new TopicPartition(p.topic(), p.partition()))
            .toList();
    reader.assign(partitions);
    reader.seekToEnd(partitions);
    partitions.forEach(reader::position);
    return reader;
  }

  /** From here on, rows of so many items are waited for, numbered from the first. */
  void expect(long firstItem, int items) {
    first = firstItem;
    expected = items;
    rows.clear();
  }

  /** Reads on; whether every item that is expected has a row. */
  boolean poll() {
    for (ConsumerRecord<byte[], byte[]> row : reader.poll(Duration.ofMillis(20))) {
      byte[] key = row.key();
      long item =
          Long.parseLong(
              new String(key, ITEM_PREFIX, key.length - ITEM_PREFIX, StandardCharsets.UTF_8));
      if (item >= first) {
        rows.set((int) (item - first));
      }
    }
    return rows.cardinality() >= expected;
  }

  /** Items that have a row. */
  int rows() {
    return rows.cardinality();
  }

  /** Records that an operator has read since the job was started. */
  long read(String operator) {
    List<OperatorMetricGroup> subtasks = metrics.findOperatorMetricGroups(job, operator);
    if (subtasks.isEmpty()) {
      throw new IllegalStateException("the job has no operator " + operator);
    }
    return subtasks.stream()
        .mapToLong(s -> s.getIOMetricGroup().getNumRecordsInCounter().getCount())
        .sum();
  }

  @Override
  public void close() {
    reader.close();
  }
}
