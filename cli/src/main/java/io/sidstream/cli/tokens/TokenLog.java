package io.sidstream.cli.tokens;

import io.sidstream.client.Token;
import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.CodebookFormat.Level;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelPieces;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * All that the topics say of tokens, as a stranger reads it: every committed record from the
 * beginning to the end, kept as it is. Shares no logic with the job or with the client's table, so
 * that it may judge both.
 */
public final class TokenLog {
  private static final Duration POLL = Duration.ofMillis(200);

  /** Longest that nothing may arrive while something should. */
  private static final Duration SILENCE = Duration.ofSeconds(60);

  /** Longest that transactions under way are waited for. */
  private static final Duration UNDER_WAY = Duration.ofSeconds(3);

  /**
   * A record of the tokens topic.
   *
   * @param commit the version whose COMMIT counts it
   * @param token the token; null for a removal
   * @param nearest {@code [levels]} the tuple before repair; null for a removal
   * @param previous the token in the table {@code commit - 1}; null for none
   * @param value bytes of the row; null for a removal
   * @param place topic, partition and offset, for messages
   */
  public record Row(
      int commit, Token token, int[] nearest, Token previous, byte[] value, String place) {}

  /** Item to its records, oldest first. */
  final Map<String, List<Row>> rows = new TreeMap<>();

  /** Version records, oldest first. */
  final List<VersionRecord> versions = new ArrayList<>();

  /** COMMIT records by version. */
  final TreeMap<Integer, VersionRecord> commits = new TreeMap<>();

  /** Version to the number of codewords of each level. */
  final TreeMap<Integer, int[]> codebooks = new TreeMap<>();

  /** Items of the items topic that are not deleted; null where the topic is not there. */
  Set<String> items;

  /** Items with a dead letter. */
  final Set<String> dead = new HashSet<>();

  /** Records that are not what belongs on their topic. */
  final List<String> unreadable = new ArrayList<>();

  private final String prefix;
  private final WireFormat wire = new WireFormat();
  private final ModelPieces pieces = new ModelPieces();

  TokenLog(String prefix) {
    this.prefix = prefix;
  }

  /**
   * Reads the topics to their present end.
   *
   * @param prefix what the topics' names begin with
   * @param names without the prefix; those that are not there are left out, but tokens and versions
   * @throws IllegalStateException where there is no topic of tokens or versions, or the broker does
   *     not answer
   * @throws org.apache.kafka.common.errors.TopicAuthorizationException where the principal may not
   *     read one of them
   */
  static TokenLog read(String bootstrap, String prefix, Properties properties, String... names) {
    TokenLog log = new TokenLog(prefix);
    log.items = new TreeSet<>();
    Set<String> there =
        read(bootstrap, prefix, properties, Set.of("tokens", "versions"), names, log::take);
    if (!there.contains("items")) {
      log.items = null;
    }
    return log;
  }

  /**
   * Reads the topics to their present end, each partition in order.
   *
   * @param needed names of {@code names} that must be there
   * @param taker gets every record
   * @return names of the topics that are there
   */
  public static Set<String> read(
      String bootstrap,
      String prefix,
      Properties properties,
      Set<String> needed,
      String[] names,
      Consumer<ConsumerRecord<byte[], byte[]>> taker) {
    Set<String> there = new HashSet<>();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(bootstrap, properties)) {
      Map<String, List<org.apache.kafka.common.PartitionInfo>> topics =
          consumer.listTopics(Duration.ofSeconds(30));
      // The versions first: whatever they count was written before them.
      List<TopicPartition> partitions = new ArrayList<>();
      for (String name : names) {
        String topic = prefix + name;
        if (!topics.containsKey(topic)) {
          // A topic that the principal may not read is not listed; asked for by name it is refused.
          consumer.partitionsFor(topic);
          if (needed.contains(name)) {
            throw new IllegalStateException(
                "there is no topic %s on %s: check --bootstrap and --prefix"
                    .formatted(topic, bootstrap));
          }
          continue;
        }
        there.add(name);
        topics.get(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
      }
      Map<TopicPartition, Long> ends = ends(consumer, partitions, prefix, bootstrap, properties);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long heard = System.nanoTime();
      Set<TopicPartition> left = new HashSet<>(partitions);
      while (!left.isEmpty()) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          taker.accept(record);
          heard = System.nanoTime();
        }
        left.removeIf(p -> consumer.position(p) >= ends.get(p));
        if (System.nanoTime() - heard > SILENCE.toNanos()) {
          throw new IllegalStateException(
              "%s on %s has not been read to its end: nothing came for %d s"
                  .formatted(left, bootstrap, SILENCE.toSeconds()));
        }
      }
    }
    return there;
  }

  /**
   * Where each partition ends. What a COMMIT counts was written before it, but the transactions of
   * one checkpoint, and the partitions of one transaction, become visible one by one. So the ends
   * of what it counts are taken after those of the versions (and of the items, whose rows they
   * are).
   */
  private static Map<TopicPartition, Long> ends(
      KafkaConsumer<byte[], byte[]> consumer,
      List<TopicPartition> partitions,
      String prefix,
      String bootstrap,
      Properties properties) {
    Set<String> first = Set.of(prefix + "versions", prefix + "items");
    Map<Boolean, List<TopicPartition>> parts =
        partitions.stream().collect(Collectors.partitioningBy(p -> first.contains(p.topic())));
    Map<TopicPartition, Long> ends = visible(consumer, parts.get(true), bootstrap, properties);
    ends.putAll(visible(consumer, parts.get(false), bootstrap, properties));
    return ends;
  }

  /**
   * Ends of what is visible, when all that is written now is; a transaction that nobody ends is not
   * waited for longer than {@link #UNDER_WAY}.
   */
  private static Map<TopicPartition, Long> visible(
      KafkaConsumer<byte[], byte[]> consumer,
      List<TopicPartition> partitions,
      String bootstrap,
      Properties properties) {
    Map<TopicPartition, Long> written = written(partitions, bootstrap, properties);
    Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
    long until = System.nanoTime() + UNDER_WAY.toNanos();
    while (partitions.stream().anyMatch(p -> ends.get(p) < written.get(p))
        && System.nanoTime() < until) {
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
      ends.putAll(consumer.endOffsets(partitions));
    }
    return ends;
  }

  /** Where each partition ends, with transactions that are under way. */
  private static Map<TopicPartition, Long> written(
      List<TopicPartition> partitions, String bootstrap, Properties properties) {
    Properties p = new Properties();
    p.putAll(properties);
    p.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    partitions.forEach(partition -> latest.put(partition, OffsetSpec.latest()));
    Map<TopicPartition, Long> written = new HashMap<>();
    try (Admin admin = Admin.create(p)) {
      admin
          .listOffsets(latest)
          .all()
          .get()
          .forEach((partition, end) -> written.put(partition, end.offset()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + bootstrap + " was asked", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "the ends of the topics on " + bootstrap + " cannot be read: " + e.getCause(), e);
    }
    return written;
  }

  static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, Properties properties) {
    return new KafkaConsumer<>(
        settings(bootstrap, properties), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** What a reader is made with; what it must be is not for others to say. */
  static Properties settings(String bootstrap, Properties properties) {
    Properties p = new Properties();
    p.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "5000");
    p.putAll(properties);
    p.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    p.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    p.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    p.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    // The broker is not to make a topic that is only misspelt, or that the job is yet to make.
    p.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
    return p;
  }

  /** Topic, partition and offset, for messages. */
  static String place(ConsumerRecord<byte[], byte[]> record) {
    return record.topic() + "-" + record.partition() + "@" + record.offset();
  }

  /** Key of the record that a dead letter is of, as text; null for none. */
  static String key(DeadLetter letter) {
    return letter.getKey() == null
        ? null
        : StandardCharsets.UTF_8.decode(letter.getKey().duplicate()).toString();
  }

  void take(ConsumerRecord<byte[], byte[]> record) {
    String name = record.topic().substring(prefix.length());
    String key = record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8);
    String place = place(record);
    try {
      switch (name) {
        case "tokens" -> token(key, row(record, wire, place));
        case "versions" -> {
          VersionRecord version = wire.decode(record.value(), VersionRecord.class);
          versions.add(version);
          if (version.getState() == VersionState.COMMIT) {
            commits.put(version.getVersion(), version);
          }
        }
        case "models" -> {
          if (record.value() != null && key.contains("/" + ModelPartKind.CODEBOOKS + "/")) {
            piece(wire.decode(record.value(), ModelPart.class));
          }
        }
        case "items" -> {
          // Rubbish on this topic is the owner's; the job answers it with a dead letter.
          if (key != null && record.value() == null) {
            items.remove(key);
          } else if (key != null) {
            items.add(key);
          }
        }
        case "dead-letters" -> {
          DeadLetter letter = wire.decode(record.value(), DeadLetter.class);
          String item = key(letter);
          if (letter.getTopic().equals(prefix + "items") && item != null) {
            dead.add(item);
          }
        }
        default -> {}
      }
    } catch (RuntimeException e) {
      unreadable.add(place + ": " + e.getMessage());
    }
  }

  void token(String item, Row row) {
    if (item == null) {
      throw new IllegalArgumentException("no key");
    }
    rows.computeIfAbsent(item, i -> new ArrayList<>(2)).add(row);
  }

  /** A record of the tokens topic. */
  static Row row(ConsumerRecord<byte[], byte[]> record, WireFormat wire, String place) {
    if (record.value() == null) {
      Header commit = record.headers().lastHeader(TokenHeaders.COMMIT);
      Header previous = record.headers().lastHeader(TokenHeaders.PREVIOUS);
      if (commit == null) {
        throw new IllegalArgumentException("a removal without the header " + TokenHeaders.COMMIT);
      }
      return new Row(
          TokenHeaders.decode(commit.value()),
          null,
          null,
          previous == null ? null : token(wire.decode(previous.value(), TokenRef.class)),
          null,
          place);
    }
    ItemToken row = wire.decode(record.value(), ItemToken.class);
    String key = new String(record.key(), StandardCharsets.UTF_8);
    if (!row.getItem().equals(key)) {
      throw new IllegalArgumentException(
          "the row is of item " + row.getItem() + ", its key is " + key);
    }
    return new Row(
        row.getCommit(),
        new Token(
            codes(row.getCodes()), row.getSuffix() == null ? 0 : row.getSuffix(), row.getVersion()),
        codes(row.getNearest()),
        row.getPrevious() == null ? null : token(row.getPrevious()),
        record.value(),
        place);
  }

  private static Token token(TokenRef ref) {
    return new Token(
        codes(ref.getCodes()), ref.getSuffix() == null ? 0 : ref.getSuffix(), ref.getVersion());
  }

  private static int[] codes(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  private void piece(ModelPart part) {
    int version = part.getVersion();
    pieces.put(part);
    pieces
        .whole(version, ModelPartKind.CODEBOOKS)
        .ifPresent(
            whole -> {
              codebooks.put(
                  version,
                  CodebookFormat.read(whole.bytes()).stream().mapToInt(Level::size).toArray());
              pieces.forget(version, ModelPartKind.CODEBOOKS);
            });
  }

  /** The newest committed version, 0 for none. */
  int newest() {
    return commits.isEmpty() ? 0 : commits.lastKey();
  }

  /** The row that stands for an item in the table of a version, or the one that replaced it. */
  Map<String, Token> table(int version) {
    Map<String, Token> table = new TreeMap<>();
    rows.forEach(
        (item, of) -> {
          Token token = at(of, version);
          if (token != null) {
            table.put(item, token);
          }
        });
    return table;
  }

  /**
   * Items that have come since the newest version was committed, with tokens of it that no item of
   * its table has: a reader serves them beside the table.
   *
   * @param table of the newest version
   */
  Map<String, Token> additions(Map<String, Token> table) {
    Set<String> taken = new HashSet<>();
    table.values().forEach(token -> taken.add(token.toString()));
    Map<String, Token> additions = new TreeMap<>();
    rows.forEach(
        (item, of) -> {
          Token token = of.get(of.size() - 1).token();
          if (token != null
              && token.version() == newest()
              && !table.containsKey(item)
              && !taken.contains(token.toString())) {
            additions.put(item, token);
          }
        });
    return additions;
  }

  /**
   * The token in the table of a version: that of the last row which a commit up to it counts, or
   * else what the row after says that it replaced.
   */
  private static Token at(List<Row> of, int version) {
    for (int i = of.size() - 1; i >= 0; i--) {
      if (of.get(i).commit() <= version) {
        return of.get(i).token();
      }
    }
    return of.get(0).commit() == version + 1 ? of.get(0).previous() : null;
  }
}
