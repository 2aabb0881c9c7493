package io.sidstream.cli.feed;

import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.data.SourceItem;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;

/**
 * Sends a data set to the topics in order of time, each item before its first interaction, and goes
 * on where an earlier run was cut off.
 *
 * <p>Partitions are chosen here, by a hash of the key, and the producer is idempotent: what a
 * partition holds is therefore always a prefix of what is to be sent to it, and its end offset says
 * how long that prefix is. Nothing else needs to be remembered between runs. It is the only writer
 * of its topics.
 */
public final class Feeder {
  private final DataSet data;
  private final NpyVectors vectors;
  private final String bootstrap;
  private final String itemsTopic;
  private final String interactionsTopic;
  private final double rate;
  private final FlowControl flow;

  private final WireFormat wire = new WireFormat();
  private final Map<String, Long> sendTimes = new ConcurrentHashMap<>();
  private volatile long itemsSent;
  private volatile long interactionsSent;
  private volatile long skipped;
  private volatile boolean done;

  /**
   * A feeder.
   *
   * @param data what to send
   * @param vectors content vectors to send instead of text, or null
   * @param bootstrap broker, host:port
   * @param itemsTopic topic of items
   * @param interactionsTopic topic of interactions
   * @param rate records a second in all, 0 for as fast as the flow control lets through
   * @param flow holds the feeder back
   */
  public Feeder(
      DataSet data,
      NpyVectors vectors,
      String bootstrap,
      String itemsTopic,
      String interactionsTopic,
      double rate,
      FlowControl flow) {
    this.data = data;
    this.vectors = vectors;
    this.bootstrap = bootstrap;
    this.itemsTopic = itemsTopic;
    this.interactionsTopic = interactionsTopic;
    this.rate = rate;
    this.flow = flow;
  }

  /** Items sent, those of earlier runs counted. */
  public long itemsSent() {
    return itemsSent;
  }

  /** Interactions sent, those of earlier runs counted. */
  public long interactionsSent() {
    return interactionsSent;
  }

  /** Records that an earlier run had sent. */
  public long skipped() {
    return skipped;
  }

  /** Whether all of the data set is in the topics. */
  public boolean done() {
    return done;
  }

  /**
   * Kafka timestamp (ms) of each item event that this run has sent, by item. Of an item that an
   * earlier run sent there is none.
   */
  public Map<String, Long> sendTimes() {
    return sendTimes;
  }

  /**
   * Sends everything, or until the flow control is closed.
   *
   * @throws ExecutionException where the broker does not take a record
   */
  public void run() throws InterruptedException, ExecutionException {
    Lane items = lane(itemsTopic);
    Lane interactions = lane(interactionsTopic);
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producerProperties())) {
      List<Throwable> failures = new ArrayList<>();
      Pace pace = new Pace(rate);
      boolean[] sent = new boolean[data.items().size()];
      long[] firstTime = firstTimes();
      for (int i = 0; i < sent.length; i++) {
        if (firstTime[i] < 0) {
          long start = data.interactions() == 0 ? 0 : data.time()[0];
          if (!flow.await(interactionsSent, itemsSent)) {
            return;
          }
          sendItem(
              producer, items, i, start > 0 ? start : System.currentTimeMillis(), pace, failures);
          sent[i] = true;
        }
      }
      for (int k = 0; k < data.interactions(); k++) {
        if (!flow.await(interactionsSent, itemsSent)) {
          return;
        }
        int item = data.item()[k];
        if (!sent[item]) {
          sent[item] = true;
          sendItem(producer, items, item, data.time()[k], pace, failures);
        }
        sendInteraction(producer, interactions, k, pace, failures);
      }
      producer.flush();
      throwFirst(failures);
      done = true;
    }
  }

  private long[] firstTimes() {
    long[] first = new long[data.items().size()];
    java.util.Arrays.fill(first, -1);
    for (int k = data.interactions() - 1; k >= 0; k--) {
      first[data.item()[k]] = data.time()[k];
    }
    return first;
  }

  private void sendItem(
      KafkaProducer<byte[], byte[]> producer,
      Lane lane,
      int index,
      long time,
      Pace pace,
      List<Throwable> failures)
      throws InterruptedException, ExecutionException {
    SourceItem item = data.items().get(index);
    byte[] key = item.id().getBytes(StandardCharsets.UTF_8);
    int partition = lane.partition(key);
    if (lane.alreadyThere(partition)) {
      skipped++;
    } else {
      ItemEvent event = event(item, vectors, time);
      pace.await();
      long now = System.currentTimeMillis();
      sendTimes.put(item.id(), now);
      send(
          producer,
          new ProducerRecord<>(lane.topic, partition, now, key, wire.encode(event)),
          failures);
    }
    itemsSent++;
  }

  /** What is sent of an item: its vector where there is one, else its text. */
  static ItemEvent event(SourceItem item, NpyVectors vectors, long time) {
    float[] vector = vectors != null ? vectors.row(item.row()) : item.vector();
    return ItemEvent.newBuilder()
        .setItem(item.id())
        .setTitle(item.title())
        .setText(vector == null ? item.text() : null)
        .setAttributes(item.attributes())
        .setVector(vector == null ? null : Vectors.toList(vector))
        .setTime(Instant.ofEpochMilli(time))
        .build();
  }

  private void sendInteraction(
      KafkaProducer<byte[], byte[]> producer, Lane lane, int k, Pace pace, List<Throwable> failures)
      throws InterruptedException, ExecutionException {
    byte[] key = data.user()[k].getBytes(StandardCharsets.UTF_8);
    int partition = lane.partition(key);
    if (lane.alreadyThere(partition)) {
      skipped++;
    } else {
      InteractionEvent event =
          InteractionEvent.newBuilder()
              .setEventId("e" + k)
              .setUser(data.user()[k])
              .setItem(data.items().get(data.item()[k]).id())
              .setKind(data.kind())
              .setTime(Instant.ofEpochMilli(data.time()[k]))
              .build();
      pace.await();
      long now = System.currentTimeMillis();
      send(
          producer,
          new ProducerRecord<>(lane.topic, partition, now, key, wire.encode(event)),
          failures);
    }
    interactionsSent++;
  }

  private static void send(
      KafkaProducer<byte[], byte[]> producer,
      ProducerRecord<byte[], byte[]> record,
      List<Throwable> failures)
      throws ExecutionException {
    throwFirst(failures);
    producer.send(
        record,
        (metadata, failure) -> {
          if (failure != null) {
            synchronized (failures) {
              failures.add(failure);
            }
          }
        });
  }

  private static void throwFirst(List<Throwable> failures) throws ExecutionException {
    synchronized (failures) {
      if (!failures.isEmpty()) {
        throw new ExecutionException("the broker did not take a record", failures.get(0));
      }
    }
  }

  private Map<String, Object> producerProperties() {
    return Map.of(
        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
        bootstrap,
        ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
        ByteArraySerializer.class,
        ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
        ByteArraySerializer.class,
        ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
        true,
        ProducerConfig.ACKS_CONFIG,
        "all",
        // Paced records must leave at once; at full speed batches fill by themselves while requests
        // are under way.
        ProducerConfig.LINGER_MS_CONFIG,
        rate > 0 ? 0 : 5,
        ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
        16 * 1024 * 1024,
        ProducerConfig.BUFFER_MEMORY_CONFIG,
        32L * 1024 * 1024);
  }

  private Lane lane(String topic) throws InterruptedException, ExecutionException {
    try (Admin admin =
        Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap))) {
      int partitions =
          admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
      Map<TopicPartition, OffsetSpec> ask = new java.util.HashMap<>();
      for (int p = 0; p < partitions; p++) {
        ask.put(new TopicPartition(topic, p), OffsetSpec.latest());
      }
      Map<TopicPartition, ListOffsetsResultInfo> ends = admin.listOffsets(ask).all().get();
      long[] held = new long[partitions];
      ends.forEach((partition, end) -> held[partition.partition()] = end.offset());
      return new Lane(topic, held);
    }
  }

  /**
   * A topic, and how many records of each partition are there already and still to be passed over.
   */
  private static final class Lane {
    final String topic;
    final long[] held;

    Lane(String topic, long[] held) {
      this.topic = topic;
      this.held = held;
    }

    int partition(byte[] key) {
      return Utils.toPositive(Utils.murmur2(key)) % held.length;
    }

    boolean alreadyThere(int partition) {
      if (held[partition] == 0) {
        return false;
      }
      held[partition]--;
      return true;
    }
  }
}
