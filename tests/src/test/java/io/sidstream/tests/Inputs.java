package io.sidstream.tests;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes the job's input topics, as any producer would. For one thread. */
public final class Inputs implements AutoCloseable {
  /** Where the time of interactions begins. */
  public static final Instant DAY = Instant.parse("2026-01-01T00:00:00Z");

  private static final int PATIENCE_MS = 15 * 60 * 1000;

  final String items;
  final String interactions;
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private final KafkaProducer<byte[], byte[]> producer;
  private final WireFormat wire = new WireFormat();

  /** The only one that is written to; null where the key says which. */
  private final Integer partition;

  public Inputs(JobConfig config) {
    this(config, null);
  }

  /**
   * Writes to one partition of each topic; the others stay without data.
   *
   * @param partition null where the key says which
   */
  public Inputs(JobConfig config, Integer partition) {
    this.partition = partition;
    items = Topics.items(config);
    interactions = Topics.interactions(config);
    producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                config.get(JobOptions.KAFKA_BOOTSTRAP),
                ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class,
                ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class,
                ProducerConfig.LINGER_MS_CONFIG,
                0,
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                Topics.MAX_MESSAGE_BYTES,
                ProducerConfig.BUFFER_MEMORY_CONFIG,
                64L * 1024 * 1024,
                // A broker that is down for minutes loses nothing.
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                PATIENCE_MS,
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                PATIENCE_MS));
  }

  /** A vector near one of eight centres, the same for the same text. */
  public static float[] vector(String text) {
    SplittableRandom own = new SplittableRandom(text.hashCode() * 31L + 7);
    SplittableRandom centre = new SplittableRandom(Math.floorMod(text.hashCode(), 8));
    float[] v = new float[TinyJob.DIM];
    for (int i = 0; i < v.length; i++) {
      v[i] = (float) (centre.nextDouble(-1, 1) + .5 * own.nextDouble(-1, 1));
    }
    return v;
  }

  public static String name(int i) {
    return String.format("i%04d", i);
  }

  public static ItemEvent item(String item, float[] vector) {
    return ItemEvent.newBuilder()
        .setItem(item)
        .setTitle("Item " + item)
        .setVector(Vectors.toList(vector))
        .setTime(DAY)
        .build();
  }

  static InteractionEvent interaction(String id, String user, String item, Instant time) {
    return InteractionEvent.newBuilder()
        .setEventId(id)
        .setUser(user)
        .setItem(item)
        .setTime(time)
        .build();
  }

  /** Sends items {@code from} (inclusive) to {@code to} (exclusive). */
  public void items(int from, int to) {
    for (int i = from; i < to; i++) {
      put(name(i), vector(name(i)));
    }
  }

  public void put(String item, float[] vector) {
    send(items, bytes(item), wire.encode(item(item, vector)));
  }

  public void delete(String item) {
    send(items, bytes(item), null);
  }

  public void interact(String id, String user, String item, Instant time) {
    send(interactions, bytes(user), wire.encode(interaction(id, user, item, time)));
  }

  /**
   * Interactions {@code from} to {@code to} (exclusive) of a fixed endless sequence: 40 users in
   * turn, each walking through the first {@code known} items, one every second.
   */
  public void interactions(int from, int to, int known) {
    for (int k = from; k < to; k++) {
      int user = k % 40;
      interact("e" + k, "u" + user, name((user * 7 + k / 40 * 3) % known), DAY.plusSeconds(k));
    }
  }

  public void send(String topic, byte[] key, byte[] value) {
    producer.send(
        new ProducerRecord<>(topic, partition, key, value),
        (metadata, e) -> {
          if (e != null) {
            failure.compareAndSet(null, e);
          }
        });
  }

  /** Sends and waits for the broker. */
  public RecordMetadata sendNow(String topic, byte[] key, byte[] value)
      throws ExecutionException, InterruptedException {
    return producer.send(new ProducerRecord<>(topic, partition, key, value)).get();
  }

  /** Waits until the broker has all that was sent. */
  public void flush() {
    producer.flush();
    if (failure.get() != null) {
      throw new IllegalStateException("a record was not taken", failure.get());
    }
  }

  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    producer.close();
  }
}
