package io.sidstream.cli.bench;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What a job has done, as others see it: committed token rows, and the offsets of its group. */
final class Arrivals implements AutoCloseable {
  private static final long OFFSETS_EVERY_NANOS = 100_000_000;
  private static final int ITEM_PREFIX = "item-".length();

  private final KafkaConsumer<byte[], byte[]> reader;
  private final Admin admin;
  private final String group;
  private final BitSet rows = new BitSet();
  private long first;
  private int expected;
  private long asked;

  Arrivals(JobConfig config) {
    String bootstrap = config.get(JobOptions.KAFKA_BOOTSTRAP);
    group = config.get(JobOptions.KAFKA_GROUP);
    admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap));
    reader =
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
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                false));
    List<TopicPartition> partitions =
        reader.partitionsFor(Topics.tokens(config)).stream()
            .map(p -> new TopicPartition(p.topic(), p.partition()))
            .toList();
    reader.assign(partitions);
    reader.seekToEnd(partitions);
    partitions.forEach(reader::position);
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

  /** Whether the group has checkpointed up to these offsets of a topic; looks every 100 ms. */
  boolean consumed(Map<TopicPartition, Long> ends, String topic)
      throws ExecutionException, InterruptedException {
    long now = System.nanoTime();
    if (now - asked < OFFSETS_EVERY_NANOS) {
      return false;
    }
    asked = now;
    Map<TopicPartition, OffsetAndMetadata> offsets =
        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
    return ends.entrySet().stream()
        .filter(end -> end.getKey().topic().equals(topic))
        .allMatch(
            end -> {
              OffsetAndMetadata at = offsets.get(end.getKey());
              return at != null && at.offset() >= end.getValue();
            });
  }

  @Override
  public void close() {
    reader.close();
    admin.close();
  }
}
