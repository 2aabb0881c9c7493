package io.sidstream.lab.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * What a job has done: committed token rows, as others see them, and records that its tasks have
 * read.
 */
final class Arrivals implements AutoCloseable {
  private static final long ASK_EVERY_NANOS = 200_000_000;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ITEM_PREFIX = "item-".length();

  private final KafkaConsumer<byte[], byte[]> reader;
  private final HttpClient http = HttpClient.newHttpClient();
  private final URI jobUri;
  private final BitSet rows = new BitSet();
  private long first;
  private int expected;
  private long asked;
  private long read;

  Arrivals(JobConfig config, JobRun run) throws ExecutionException, InterruptedException {
    jobUri = run.ui().resolve("/jobs/" + run.id());
    String bootstrap = config.get(JobOptions.KAFKA_BOOTSTRAP);
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
                false,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
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

  /**
   * Records that the task of an operator has read since the job was started; asked for at most
   * every 50 ms.
   */
  long read(String operator) throws IOException, InterruptedException {
    long now = System.nanoTime();
    if (now - asked < ASK_EVERY_NANOS) {
      return read;
    }
    asked = now;
    HttpResponse<InputStream> answer =
        http.send(
            HttpRequest.newBuilder(jobUri).build(), HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = answer.body()) {
      for (JsonNode vertex : JSON.readTree(body).path("vertices")) {
        if (vertex.path("name").asText().startsWith(operator)) {
          read = vertex.path("metrics").path("read-records").asLong();
          return read;
        }
      }
    }
    throw new IllegalStateException("the job has no operator " + operator);
  }

  @Override
  public void close() {
    reader.close();
  }
}
