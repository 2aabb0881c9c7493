package io.sidstream.lab.bench;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.model.math.Rng;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Blocks of new items (vectors given) and of interactions. A block is one Kafka transaction: a job
 * that reads committed records sees nothing of it while it is written, and all of it at once when
 * it is committed. All of a block has one event time, that of its writing: an event time ahead of
 * it could make the next block's events too late for a window, which the trainer would never read.
 */
final class RecordLoad implements AutoCloseable {
  private static final int USERS = 20_000;
  private static final int THEMES = 200;

  private final KafkaProducer<byte[], byte[]> producer;
  private final WireFormat wire = new WireFormat();
  private final String itemsTopic;
  private final String interactionsTopic;
  private final float[][] themes;
  private final Rng rng;
  private long items;
  private long interactions;

  RecordLoad(JobConfig config, long seed) {
    itemsTopic = Topics.items(config);
    interactionsTopic = Topics.interactions(config);
    rng = new Rng(seed);
    themes = new float[THEMES][config.get(JobOptions.CONTENT_DIM)];
    for (float[] theme : themes) {
      for (int d = 0; d < theme.length; d++) {
        theme[d] = rng.nextGaussian();
      }
    }
    producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                config.get(JobOptions.KAFKA_BOOTSTRAP),
                ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class,
                ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class,
                ProducerConfig.TRANSACTIONAL_ID_CONFIG,
                config.get(JobOptions.KAFKA_GROUP) + "-load",
                ProducerConfig.TRANSACTION_TIMEOUT_CONFIG,
                600_000,
                ProducerConfig.LINGER_MS_CONFIG,
                20,
                ProducerConfig.BATCH_SIZE_CONFIG,
                128 * 1024));
    producer.initTransactions();
  }

  /**
   * Writes a block and commits it, after any other that is being written.
   *
   * @return when it could be seen ({@link System#nanoTime})
   */
  synchronized long write(int newItems, int newInteractions)
      throws ExecutionException, InterruptedException {
    producer.beginTransaction();
    List<Future<RecordMetadata>> sent = new ArrayList<>(newItems + newInteractions);
    long now = System.currentTimeMillis();
    for (int i = 0; i < newItems; i++) {
      sent.add(producer.send(newItem(now)));
    }
    for (int i = 0; i < newInteractions; i++) {
      String user = "user-" + rng.nextInt(USERS);
      InteractionEvent event =
          InteractionEvent.newBuilder()
              .setEventId("event-" + interactions++)
              .setUser(user)
              .setItem("item-" + rng.nextInt((int) Math.min(Integer.MAX_VALUE, items)))
              .setTime(Instant.ofEpochMilli(now))
              .build();
      sent.add(producer.send(record(interactionsTopic, user, wire.encode(event))));
    }
    producer.flush();
    for (Future<RecordMetadata> one : sent) {
      one.get();
    }
    long start = System.nanoTime();
    producer.commitTransaction();
    return start;
  }

  /**
   * The record of a new item, which somebody else is to send.
   *
   * @param now its event time, ms since the epoch
   */
  synchronized ProducerRecord<byte[], byte[]> newItem(long now) {
    String id = "item-" + items++;
    float[] theme = themes[rng.nextInt(THEMES)];
    float[] vector = new float[theme.length];
    double square = 0;
    for (int d = 0; d < vector.length; d++) {
      vector[d] = theme[d] + .7f * rng.nextGaussian();
      square += (double) vector[d] * vector[d];
    }
    for (int d = 0; d < vector.length; d++) {
      vector[d] /= (float) Math.sqrt(square);
    }
    ItemEvent event =
        ItemEvent.newBuilder()
            .setItem(id)
            .setVector(Vectors.toList(vector))
            .setTime(Instant.ofEpochMilli(now))
            .build();
    return record(itemsTopic, id, wire.encode(event));
  }

  private static ProducerRecord<byte[], byte[]> record(String topic, String key, byte[] value) {
    return new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), value);
  }

  @Override
  public void close() {
    producer.close();
  }
}
