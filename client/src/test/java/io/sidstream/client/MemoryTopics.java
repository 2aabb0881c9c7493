package io.sidstream.client;

import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.CodebookFormat.Level;
import io.sidstream.schemas.CodebookFormat.LevelMetric;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * The topics of a job in memory, of one partition each, and readers of them. Tokens have one level.
 * Any thread.
 */
final class MemoryTopics implements Connection {
  static final String PREFIX = "sidstream.";

  private final Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> logs =
      new ConcurrentHashMap<>();
  private final Map<TopicPartition, Long> ends = new ConcurrentHashMap<>();
  private final WireFormat wire = new WireFormat();

  /** Thrown by the next poll; null for nothing. */
  volatile Error next;

  /** Properties of the newest reader. */
  volatile Properties properties;

  MemoryTopics() {
    for (String topic : List.of("tokens", "versions", "models", "id-embeddings")) {
      partition(topic, 0);
    }
  }

  /** Adds a partition to a topic. */
  synchronized void partition(String topic, int number) {
    TopicPartition partition = new TopicPartition(PREFIX + topic, number);
    logs.put(partition, new ArrayList<>());
    ends.put(partition, 0L);
  }

  /** A row of an item that had another token before, or null. */
  void row(String item, int commit, int version, Integer before, int code) {
    ItemToken row = new ItemToken();
    row.setItem(item);
    row.setVersion(version);
    row.setCommit(commit);
    row.setRevision(1L);
    row.setCodes(List.of(code));
    row.setNearest(List.of(code));
    row.setDistances(List.of(.1f));
    row.setMargins(List.of(.1f));
    row.setPrevious(before == null ? null : new TokenRef(1, List.of(before), null));
    row.setTime(Instant.EPOCH);
    send("tokens", item, wire.encode(row));
  }

  void embedding(String item, float... e) {
    send("id-embeddings", item, wire.encode(new IdEmbedding(item, 1, 1L, Vectors.toList(e))));
  }

  /** The codeword k of version v is (100 v + k). */
  void codebooks(int version) {
    float[] codewords = new float[16];
    for (int k = 0; k < 16; k++) {
      codewords[k] = 100 * version + k;
    }
    byte[] whole =
        CodebookFormat.write(List.of(new Level(LevelMetric.EUCLIDEAN, 16, 1, codewords)));
    for (ModelPart piece :
        ModelParts.split(version, 1, ModelPartKind.CODEBOOKS, whole, Instant.EPOCH)) {
      send("models", ModelParts.key(piece), wire.encode(piece));
    }
  }

  /** Codebooks and COMMIT of a version that has this table. */
  void commit(int version, Map<String, Integer> table) {
    codebooks(version);
    long sum = 0;
    for (var entry : table.entrySet()) {
      sum += TokenChecksum.of(entry.getKey(), new int[] {entry.getValue()}, 0);
    }
    commit(version, table.size(), sum);
  }

  /** COMMIT of a version, whatever there is. */
  void commit(int version, long items, long checksum) {
    VersionRecord record = new VersionRecord();
    record.setVersion(version);
    record.setState(VersionState.COMMIT);
    record.setRevision(1L);
    record.setItems(items);
    record.setTableChecksum(checksum);
    record.setModelDigest("");
    record.setChangedCodes(List.of());
    record.setChangedPrefixes(List.of());
    record.setTime(Instant.EPOCH);
    send("versions", String.valueOf(version), wire.encode(record));
  }

  synchronized void send(String topic, String key, byte[] value) {
    TopicPartition to = new TopicPartition(PREFIX + topic, 0);
    long offset = ends.get(to);
    logs.get(to)
        .add(
            new ConsumerRecord<>(
                to.topic(), 0, offset, key.getBytes(StandardCharsets.UTF_8), value));
    ends.put(to, offset + 1);
  }

  /** As the log cleaner: all rows of an item but its last, or with its last too, go. */
  synchronized void compact(String item, boolean last) {
    byte[] key = item.getBytes(StandardCharsets.UTF_8);
    List<ConsumerRecord<byte[], byte[]>> log = logs.get(new TopicPartition(PREFIX + "tokens", 0));
    ConsumerRecord<byte[], byte[]> newest =
        log.stream().filter(r -> Arrays.equals(r.key(), key)).reduce((a, b) -> b).orElseThrow();
    log.removeIf(r -> Arrays.equals(r.key(), key) && (last || r != newest));
  }

  private synchronized List<ConsumerRecord<byte[], byte[]>> from(TopicPartition p, long offset) {
    return logs.get(p).stream().filter(r -> r.offset() >= offset).toList();
  }

  @Override
  public String identity(Properties of, List<String> topics) {
    return "memory";
  }

  @Override
  public Consumer<byte[], byte[]> reader(Properties of) {
    properties = of;
    return new Reader();
  }

  private final class Reader extends MockConsumer<byte[], byte[]> {
    Reader() {
      super("earliest");
      Map<TopicPartition, Long> begin = new HashMap<>();
      logs.keySet().forEach(p -> begin.put(p, 0L));
      updateBeginningOffsets(begin);
    }

    @Override
    public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
      Error error = next;
      if (error != null) {
        throw error;
      }
      LockSupport.parkNanos(1_000_000);
      for (TopicPartition partition : assignment()) {
        from(partition, position(partition)).forEach(this::addRecord);
      }
      return super.poll(timeout);
    }

    @Override
    public synchronized List<PartitionInfo> partitionsFor(String topic) {
      return logs.keySet().stream()
          .filter(p -> p.topic().equals(topic))
          .map(p -> new PartitionInfo(topic, p.partition(), null, null, null))
          .toList();
    }

    @Override
    public synchronized Map<TopicPartition, Long> endOffsets(
        Collection<TopicPartition> partitions) {
      Map<TopicPartition, Long> of = new HashMap<>();
      partitions.forEach(p -> of.put(p, ends.get(p)));
      return of;
    }

    @Override
    public synchronized OptionalLong currentLag(TopicPartition partition) {
      return OptionalLong.of(ends.get(partition) - position(partition));
    }
  }
}
