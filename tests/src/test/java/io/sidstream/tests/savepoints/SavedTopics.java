package io.sidstream.tests.savepoints;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;

/**
 * What readers of committed records see on some topics, each record with its offset, so that it can
 * be put onto another broker under the same offsets. State that a job has taken to a savepoint goes
 * on from offsets.
 *
 * @param partitions all of them
 */
record SavedTopics(List<Partition> partitions) {
  private static final int FORMAT = 1;
  private static final byte[] JUNK = {0};

  /** A partition; {@code end} is the offset behind it. */
  record Partition(String topic, int number, long end, List<Saved> records) {}

  /** A record. A null key or value is null. */
  record Saved(
      long offset, long time, byte[] key, byte[] value, List<Map.Entry<String, byte[]>> headers) {}

  /**
   * Reads topics, which nobody writes to any more.
   *
   * @param thinned those of the topics of which only the newest value of a key is kept; what it
   *     took the place of is kept as a removal
   */
  static SavedTopics read(String bootstrap, List<String> topics, Set<String> thinned) {
    List<Partition> partitions = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of(
                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                bootstrap,
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                "read_committed"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      for (String topic : topics) {
        for (int p = 0; p < consumer.partitionsFor(topic).size(); p++) {
          Partition partition = read(consumer, new TopicPartition(topic, p));
          partitions.add(thinned.contains(topic) ? thinned(partition) : partition);
        }
      }
    }
    return new SavedTopics(partitions);
  }

  private static Partition read(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
    consumer.assign(List.of(partition));
    consumer.seekToBeginning(List.of(partition));
    long end = consumer.endOffsets(List.of(partition)).get(partition);
    List<Saved> records = new ArrayList<>();
    while (consumer.position(partition) < end) {
      for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(200))) {
        List<Map.Entry<String, byte[]>> headers = new ArrayList<>();
        for (Header header : r.headers()) {
          headers.add(Map.entry(header.key(), header.value()));
        }
        records.add(new Saved(r.offset(), r.timestamp(), r.key(), r.value(), headers));
      }
    }
    return new Partition(partition.topic(), partition.partition(), end, records);
  }

  private static Partition thinned(Partition whole) {
    Map<ByteBuffer, Long> newest = new HashMap<>();
    whole.records.forEach(r -> newest.put(ByteBuffer.wrap(r.key), r.offset));
    List<Saved> records = new ArrayList<>();
    for (Saved r : whole.records) {
      boolean stays = newest.get(ByteBuffer.wrap(r.key)) == r.offset;
      records.add(stays ? r : new Saved(r.offset, r.time, r.key, null, r.headers));
    }
    return new Partition(whole.topic, whole.number, whole.end, records);
  }

  /** Puts them onto a broker that has the topics, with as many partitions, empty. */
  void write(String bootstrap) throws ExecutionException, InterruptedException {
    try (To to = new To(bootstrap)) {
      for (Partition partition : partitions) {
        to.write(partition);
      }
    }
  }

  /**
   * A broker that they are put onto. Between two records lie offsets of what readers do not see:
   * the end of a transaction takes one, aborted records take theirs.
   */
  private static final class To implements AutoCloseable {
    private final KafkaProducer<byte[], byte[]> plain;
    private final KafkaProducer<byte[], byte[]> transactional;
    private final KafkaConsumer<byte[], byte[]> reader;

    To(String bootstrap) {
      plain = producer(bootstrap, Map.of());
      transactional =
          producer(bootstrap, Map.of(ProducerConfig.TRANSACTIONAL_ID_CONFIG, "saved-topics"));
      transactional.initTransactions();
      // Of everything, so that it tells where the log ends.
      reader =
          new KafkaConsumer<>(
              Map.of(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrap),
              new ByteArrayDeserializer(),
              new ByteArrayDeserializer());
    }

    private static KafkaProducer<byte[], byte[]> producer(
        String bootstrap, Map<String, Object> more) {
      Map<String, Object> settings = new HashMap<>(more);
      settings.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
      return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    void write(Partition partition) throws ExecutionException, InterruptedException {
      TopicPartition to = new TopicPartition(partition.topic, partition.number);
      List<Saved> run = new ArrayList<>();
      long at = 0;
      for (Saved record : partition.records) {
        if (record.offset > at) {
          write(to, run, at, record.offset);
        }
        run.add(record);
        at = record.offset + 1;
      }
      write(to, run, at, partition.end);
    }

    /** Writes the records of a run, and after it offsets without a record up to another. */
    private void write(TopicPartition to, List<Saved> run, long from, long next)
        throws ExecutionException, InterruptedException {
      boolean transaction = next == from + 1 && !run.isEmpty();
      if (transaction) {
        transactional.beginTransaction();
      }
      send(transaction ? transactional : plain, to, run);
      run.clear();
      if (transaction) {
        transactional.commitTransaction();
      } else if (next == from + 1) {
        throw new IllegalStateException(to + " begins with one offset without a record");
      } else if (next > from) {
        transactional.beginTransaction();
        for (long offset = from + 1; offset < next; offset++) {
          transactional.send(new ProducerRecord<>(to.topic(), to.partition(), JUNK, JUNK));
        }
        transactional.flush();
        transactional.abortTransaction();
      }
      // A transaction is over for the client before its end is in the log.
      Awaitility.await(to + " up to offset " + next)
          .atMost(Duration.ofMinutes(1))
          .pollInterval(Duration.ofMillis(5))
          .until(() -> reader.endOffsets(List.of(to)).get(to) == next);
    }

    private static void send(
        KafkaProducer<byte[], byte[]> producer, TopicPartition to, List<Saved> run)
        throws ExecutionException, InterruptedException {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (Saved r : run) {
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(to.topic(), to.partition(), r.time, r.key, r.value);
        r.headers.forEach(h -> record.headers().add(h.getKey(), h.getValue()));
        sent.add(producer.send(record));
      }
      producer.flush();
      for (int i = 0; i < sent.size(); i++) {
        long offset = sent.get(i).get().offset();
        if (offset != run.get(i).offset) {
          throw new IllegalStateException(
              "%s has offset %d for %d".formatted(to, offset, run.get(i).offset));
        }
      }
    }

    @Override
    public void close() {
      plain.close();
      transactional.close();
      reader.close();
    }
  }

  // Bytes.

  /** Writes all of it, in a format of its own. */
  void to(DataOutputStream out) throws IOException {
    out.writeInt(FORMAT);
    out.writeInt(partitions.size());
    for (Partition partition : partitions) {
      out.writeUTF(partition.topic);
      out.writeInt(partition.number);
      out.writeLong(partition.end);
      out.writeInt(partition.records.size());
      for (Saved record : partition.records) {
        out.writeLong(record.offset);
        out.writeLong(record.time);
        bytes(out, record.key);
        bytes(out, record.value);
        out.writeInt(record.headers.size());
        for (Map.Entry<String, byte[]> header : record.headers) {
          out.writeUTF(header.getKey());
          bytes(out, header.getValue());
        }
      }
    }
  }

  /** Reads what {@link #to} wrote. */
  static SavedTopics from(DataInputStream in) throws IOException {
    int format = in.readInt();
    if (format != FORMAT) {
      throw new IOException("saved topics of format " + format + "; expected: " + FORMAT);
    }
    List<Partition> partitions = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      String topic = in.readUTF();
      int number = in.readInt();
      long end = in.readLong();
      List<Saved> records = new ArrayList<>();
      for (int n = in.readInt(); n > 0; n--) {
        long offset = in.readLong();
        long time = in.readLong();
        byte[] key = bytes(in);
        byte[] value = bytes(in);
        List<Map.Entry<String, byte[]>> headers = new ArrayList<>();
        for (int h = in.readInt(); h > 0; h--) {
          headers.add(Map.entry(in.readUTF(), bytes(in)));
        }
        records.add(new Saved(offset, time, key, value, headers));
      }
      partitions.add(new Partition(topic, number, end, records));
    }
    return new SavedTopics(partitions);
  }

  private static void bytes(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes == null ? -1 : bytes.length);
    if (bytes != null) {
      out.write(bytes);
    }
  }

  private static byte[] bytes(DataInputStream in) throws IOException {
    int length = in.readInt();
    return length < 0 ? null : in.readNBytes(length);
  }
}
