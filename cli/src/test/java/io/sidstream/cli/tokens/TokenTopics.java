package io.sidstream.cli.tokens;

import io.sidstream.client.Token;
import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.CodebookFormat.Level;
import io.sidstream.schemas.CodebookFormat.LevelMetric;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Writes token topics by the rules of Publish and Commit, in transactions, without a job; knows
 * what each committed table is.
 */
public final class TokenTopics implements AutoCloseable {
  static final int SIZE = 16;
  static final int DIM = 4;

  private final String prefix;
  private final KafkaProducer<byte[], byte[]> producer;
  private final WireFormat wire = new WireFormat();
  private final Map<String, ItemToken> newest = new HashMap<>();
  private final Map<String, int[]> removed = new HashMap<>();

  /** The table as it is. */
  final TreeMap<String, Token> table = new TreeMap<>();

  /** The table at the last commit. */
  TreeMap<String, Token> committed = new TreeMap<>();

  private int counted;

  /** What COMMIT records add to the true checksums. */
  long checksumsOff;

  /** Makes the topics. */
  public TokenTopics(String bootstrap, String prefix) throws Exception {
    this.prefix = prefix;
    Properties p = new Properties();
    p.put("bootstrap.servers", bootstrap);
    try (Admin admin = Admin.create(p)) {
      List<NewTopic> topics = new ArrayList<>();
      for (String name : List.of("items", "interactions", "tokens", "id-embeddings")) {
        topics.add(new NewTopic(prefix + name, 2, (short) 1));
      }
      for (String name : List.of("versions", "models", "dead-letters", "control")) {
        topics.add(new NewTopic(prefix + name, 1, (short) 1));
      }
      admin.createTopics(topics).all().get();
    }
    p.put("transactional.id", "writer-" + prefix);
    // Right after a topic is made its partitions may refuse: nothing is to overtake what is sent
    // again.
    p.put("max.in.flight.requests.per.connection", "1");
    producer = new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
    // A broker says "created" before it knows the topics, and a command that tells the gate
    // something does not wait.
    producer.partitionsFor(prefix + "control");
    producer.initTransactions();
    producer.beginTransaction();
  }

  /** Makes what was written visible. */
  public void flush() {
    producer.commitTransaction();
    producer.beginTransaction();
  }

  /** Any record. */
  public void send(String topic, String key, byte[] value) {
    producer.send(
        new ProducerRecord<>(
            prefix + topic, key == null ? null : key.getBytes(StandardCharsets.UTF_8), value));
  }

  /** An item event. */
  public void item(String item) {
    ItemEvent event = new ItemEvent();
    event.setItem(item);
    event.setText("of " + item);
    event.setAttributes(Map.of());
    event.setTime(Instant.EPOCH);
    send("items", item, wire.encode(event));
  }

  /** A row of an item; version is that in use, or the one whose scan it is of. */
  public void token(String item, int version, int suffix, int... codes) {
    send("tokens", item, wire.encode(row(item, version, suffix, codes)));
  }

  /** A row that COMMIT counts and that never arrives. */
  void lost(String item, int version, int suffix, int... codes) {
    row(item, version, suffix, codes);
  }

  private ItemToken row(String item, int version, int suffix, int... codes) {
    int commit = Math.max(version, counted + 1);
    ItemToken row = new ItemToken();
    row.setItem(item);
    row.setVersion(version);
    row.setCommit(commit);
    row.setRevision((long) version);
    row.setCodes(list(codes));
    row.setNearest(list(codes));
    row.setSuffix(suffix == 0 ? null : suffix);
    row.setDistances(List.of(.1f, .2f, .3f));
    row.setMargins(List.of(.1f, .2f, .3f));
    row.setPrevious(ref(committed.get(item)));
    row.setTime(Instant.EPOCH);
    table.put(item, new Token(codes, suffix, version));
    newest.put(item, row);
    removed.remove(item);
    return row;
  }

  void remove(String item, int version) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(prefix + "tokens", item.getBytes(StandardCharsets.UTF_8), null);
    record
        .headers()
        .add(TokenHeaders.COMMIT, TokenHeaders.encode(Math.max(version, counted + 1)))
        .add(TokenHeaders.VERSION, TokenHeaders.encode(version));
    if (committed.containsKey(item)) {
      record.headers().add(TokenHeaders.PREVIOUS, wire.encode(ref(committed.get(item))));
    }
    producer.send(record);
    table.remove(item);
    newest.remove(item);
    removed.put(item, new int[] {Math.max(version, counted + 1)});
  }

  /** An ID embedding. */
  public void embedding(String item, float... e) {
    send("id-embeddings", item, wire.encode(new IdEmbedding(item, 1, 1L, Vectors.toList(e))));
  }

  /** Codebooks in which the codeword k of level l of version v is v + 100 l + k everywhere. */
  public void codebooks(int version) {
    List<Level> levels = new ArrayList<>();
    for (int l = 0; l < 3; l++) {
      float[] codewords = new float[SIZE * DIM];
      for (int i = 0; i < codewords.length; i++) {
        codewords[i] = version + 100 * l + i / DIM;
      }
      levels.add(
          new Level(l == 2 ? LevelMetric.EUCLIDEAN : LevelMetric.COSINE, SIZE, DIM, codewords));
    }
    byte[] whole = CodebookFormat.write(levels);
    int half = whole.length / 2;
    for (int i = 0; i < 2; i++) {
      ModelPart part =
          new ModelPart(
              version,
              1L,
              ModelPartKind.CODEBOOKS,
              i,
              2,
              ModelParts.digest(whole),
              ByteBuffer.wrap(Arrays.copyOfRange(whole, i * half, i == 0 ? half : whole.length)),
              Instant.EPOCH);
      send("models", ModelParts.key(part), wire.encode(part));
    }
  }

  /** COMMIT of a version, over the rows written. */
  public void commit(int version) {
    commit(version, 0);
  }

  /** COMMIT of a version that claims more items than there are. */
  void commit(int version, int tooMany) {
    VersionRecord record = new VersionRecord();
    record.setVersion(version);
    record.setState(VersionState.COMMIT);
    record.setRevision((long) version);
    record.setItems((long) table.size() + tooMany);
    long sum = 0;
    for (var entry : table.entrySet()) {
      sum += TokenChecksum.of(entry.getKey(), entry.getValue().codes(), entry.getValue().suffix());
    }
    record.setTableChecksum(sum + checksumsOff);
    long rows = 0;
    long rowsSum = 0;
    for (ItemToken row : newest.values()) {
      if (row.getCommit() == version) {
        rows++;
        rowsSum += TokenChecksum.of(row.getItem(), row.getCodes(), row.getSuffix());
      }
    }
    record.setRows(rows);
    record.setRowsChecksum(rowsSum + checksumsOff);
    record.setTombstones(
        removed.entrySet().stream()
            .filter(e -> e.getValue()[0] == version && committed.containsKey(e.getKey()))
            .count());
    record.setModelDigest("");
    changes(record);
    record.setTime(Instant.ofEpochMilli(1_000_000L * version));
    send("versions", String.valueOf(version), wire.encode(record));
    committed = new TreeMap<>(table);
    counted = version;
  }

  /** What the version changed of the tokens of old items. */
  private void changes(VersionRecord record) {
    long[] codes = new long[3];
    long[] prefixes = new long[3];
    long moved = 0;
    long old = 0;
    for (var entry : table.entrySet()) {
      Token was = committed.get(entry.getKey());
      if (was == null) {
        continue;
      }
      old++;
      moved += was.sameToken(entry.getValue()) ? 0 : 1;
      boolean changed = false;
      for (int l = 0; l < 3; l++) {
        boolean differs = was.codes()[l] != entry.getValue().codes()[l];
        changed |= differs;
        codes[l] += differs ? 1 : 0;
        prefixes[l] += changed ? 1 : 0;
      }
    }
    record.setOldItems(old);
    record.setMovedItems(moved);
    record.setChangedCodes(Arrays.stream(codes).boxed().toList());
    record.setChangedPrefixes(Arrays.stream(prefixes).boxed().toList());
  }

  private static TokenRef ref(Token token) {
    return token == null
        ? null
        : new TokenRef(
            token.version(), list(token.codes()), token.suffix() == 0 ? null : token.suffix());
  }

  private static List<Integer> list(int[] codes) {
    return Arrays.stream(codes).boxed().toList();
  }

  @Override
  public void close() {
    producer.abortTransaction();
    producer.close();
  }
}
