package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;

/**
 * The job's output as a stranger reads it, from the beginning, with nothing but the schemas' words;
 * recomputes what every COMMIT record claims. For one thread at a time.
 */
public final class TokenLog implements AutoCloseable {
  /** A record of the tokens topic; token is null for a removal. */
  record Row(String item, int commit, int version, ItemToken token, TokenRef previous) {}

  private final int levels;
  private final int codebookSize;
  private final String tokensTopic;
  private final String versionsTopic;
  private final String deadLettersTopic;
  private final String idEmbeddingsTopic;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final WireFormat wire = new WireFormat();

  /** The records of each item, oldest first. */
  final Map<String, List<Row>> rows = new TreeMap<>();

  final List<VersionRecord> versions = new ArrayList<>();
  final List<DeadLetter> deadLetters = new ArrayList<>();
  final Map<String, IdEmbedding> idEmbeddings = new HashMap<>();
  private long records;
  private boolean countsOnly;

  /**
   * Reads nothing yet; the topics need not be there.
   *
   * @param committedOnly whether records of open and of aborted transactions are left out
   */
  public TokenLog(JobConfig config, int levels, int codebookSize, boolean committedOnly) {
    this.levels = levels;
    this.codebookSize = codebookSize;
    tokensTopic = Topics.tokens(config);
    versionsTopic = Topics.versions(config);
    deadLettersTopic = Topics.deadLetters(config);
    idEmbeddingsTopic = Topics.idEmbeddings(config);
    consumer =
        new KafkaConsumer<>(
            Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                config.get(JobOptions.KAFKA_BOOTSTRAP),
                ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class,
                ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
                ByteArrayDeserializer.class,
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                committedOnly ? "read_committed" : "read_uncommitted",
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                5000));
  }

  /** From now on only {@link #records} is kept, so that nothing grows however long it reads. */
  public TokenLog countOnly() {
    countsOnly = true;
    return this;
  }

  private void assign() {
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : List.of(tokensTopic, versionsTopic, deadLettersTopic, idEmbeddingsTopic)) {
      consumer
          .partitionsFor(topic)
          .forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
    }
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
  }

  /** Takes in what is there by now. */
  public void poll() {
    if (consumer.assignment().isEmpty()) {
      assign();
    }
    // On a busy machine a poll also comes back empty when there is something; on a fast one records
    // may never cease to come.
    Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
    while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
      consumer.poll(Duration.ofMillis(100)).forEach(this::take);
    }
  }

  /** Reads until it is so. */
  public void await(String what, Duration atMost, Callable<Boolean> condition) {
    Awaitility.await(what)
        .atMost(atMost)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              poll();
              return condition.call();
            });
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    records++;
    if (countsOnly) {
      return;
    }
    if (record.topic().equals(tokensTopic)) {
      Row row = row(record);
      rows.computeIfAbsent(row.item, i -> new ArrayList<>()).add(row);
    } else if (record.topic().equals(versionsTopic)) {
      if (record.value() == null) {
        return;
      }
      try {
        versions.add(wire.decode(record.value(), VersionRecord.class));
      } catch (WireFormatException e) {
        // Tests write rubbish there.
      }
    } else if (record.topic().equals(deadLettersTopic)) {
      deadLetters.add(wire.decode(record.value(), DeadLetter.class));
    } else if (record.value() == null) {
      idEmbeddings.remove(new String(record.key(), StandardCharsets.UTF_8));
    } else {
      IdEmbedding e = wire.decode(record.value(), IdEmbedding.class);
      idEmbeddings.put(e.getItem(), e);
    }
  }

  private Row row(ConsumerRecord<byte[], byte[]> record) {
    String item = new String(record.key(), StandardCharsets.UTF_8);
    if (record.value() != null) {
      ItemToken token = wire.decode(record.value(), ItemToken.class);
      assertThat(token.getItem()).isEqualTo(item);
      return new Row(item, token.getCommit(), token.getVersion(), token, token.getPrevious());
    }
    Header previous = record.headers().lastHeader(TokenHeaders.PREVIOUS);
    return new Row(
        item,
        TokenHeaders.decode(record.headers().lastHeader(TokenHeaders.COMMIT).value()),
        TokenHeaders.decode(record.headers().lastHeader(TokenHeaders.VERSION).value()),
        null,
        previous == null ? null : wire.decode(previous.value(), TokenRef.class));
  }

  // What it says.

  /** Records read of all topics. */
  public long records() {
    return records;
  }

  /** What was rejected, in order. */
  public List<DeadLetter> deadLetters() {
    return List.copyOf(deadLetters);
  }

  /** The version records of a state, in order. */
  public List<VersionRecord> versions(VersionState state) {
    return versions.stream().filter(v -> v.getState() == state).toList();
  }

  /** The newest committed version, 0 for none. */
  public int committed() {
    return newest(VersionState.COMMIT);
  }

  /** The newest version that was begun, 0 for none. */
  public int begun() {
    return newest(VersionState.BEGIN);
  }

  private int newest(VersionState state) {
    return versions(state).stream().mapToInt(VersionRecord::getVersion).max().orElse(0);
  }

  /** The newest REVISION record, or null. */
  public VersionRecord revision() {
    List<VersionRecord> all = versions(VersionState.REVISION);
    return all.isEmpty() ? null : all.get(all.size() - 1);
  }

  /** Interactions that the newest revision has learnt from. */
  public long interactions() {
    return revision() == null ? 0 : revision().getInteractions();
  }

  /** The token that an item has now, or null. */
  public ItemToken token(String item) {
    List<Row> all = rows.get(item);
    return all == null ? null : all.get(all.size() - 1).token;
  }

  /** Items that have a token now. */
  public Set<String> items() {
    Set<String> items = new TreeSet<>();
    rows.keySet().stream().filter(i -> token(i) != null).forEach(items::add);
    return items;
  }

  /**
   * Items that a reader serves now: those of the newest committed version, and those that have come
   * after it. One that was deleted after it goes with the next.
   */
  public Set<String> served() {
    int committed = committed();
    Set<String> items = new TreeSet<>();
    rows.forEach(
        (item, all) -> {
          Row of = null;
          for (Row row : all) {
            of = row.commit <= committed ? row : of;
          }
          if (token(item) != null || of != null && of.token != null) {
            items.add(item);
          }
        });
    return items;
  }

  // What must be so.

  /**
   * Waits until everything that a reader may rely on is so, for every version that was committed.
   * The transactions of different subtasks are committed one by one, so the rows of a COMMIT may
   * come a moment after it.
   */
  public void awaitVerified() {
    Awaitility.await("rows and commits agree")
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(
            () -> {
              poll();
              verify();
            });
  }

  /**
   * Waits until the newest version is what its COMMIT says: all that can be asked where rows of a
   * version before were lost with their transaction, and came later.
   */
  public void awaitNewestVerified() {
    Awaitility.await("rows and the newest commit agree")
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(
            () -> {
              poll();
              verifyNewest();
            });
  }

  private void verifyNewest() {
    List<VersionRecord> commits = versions(VersionState.COMMIT);
    VersionRecord commit = commits.get(commits.size() - 1);
    int v = commit.getVersion();
    Map<List<Integer>, String> owners = new HashMap<>();
    long checksum = 0;
    for (List<Row> all : rows.values()) {
      ItemToken token = null;
      for (Row row : all) {
        token = row.commit <= v ? row.token : token;
      }
      if (token != null) {
        assertThat(owners.put(whole(token), token.getItem()))
            .as("owner beside %s of token %s in version %d", token.getItem(), whole(token), v)
            .isNull();
        checksum += CommittedTable.sum(token);
      }
    }
    assertThat(commit.getItems()).as("items of %d", v).isEqualTo(owners.size());
    assertThat(commit.getTableChecksum()).as("table of %d", v).isEqualTo(checksum);
  }

  private void verify() {
    List<Integer> begins =
        versions(VersionState.BEGIN).stream().map(VersionRecord::getVersion).toList();
    // Rows that were written again are followed by the same COMMIT.
    List<VersionRecord> commits = versions(VersionState.COMMIT).stream().distinct().toList();
    assertThat(begins).as("each version begins once, in order").isSorted().doesNotHaveDuplicates();
    for (int v = 1; v <= commits.size(); v++) {
      assertThat(commits.get(v - 1).getVersion())
          .as("versions are committed in order")
          .isEqualTo(v);
      assertThat(begins).contains(v);
    }
    assertThat(begins.size() - commits.size()).as("versions under way").isBetween(0, 1);
    List<Long> revisions =
        versions(VersionState.REVISION).stream().map(VersionRecord::getRevision).toList();
    for (int r = 1; r <= revisions.size(); r++) {
      assertThat(revisions.get(r - 1)).as("revisions go up by one").isEqualTo(r);
    }
    rows.values().forEach(this::verifyRows);
    // By commit, the newest row of each item: what turns the table before into the one after.
    Map<Integer, Map<String, Row>> changes = new HashMap<>();
    rows.forEach(
        (item, all) ->
            all.forEach(
                row -> changes.computeIfAbsent(row.commit, c -> new TreeMap<>()).put(item, row)));
    CommittedTable table = new CommittedTable();
    for (VersionRecord commit : commits) {
      table.apply(commit, changes.getOrDefault(commit.getVersion(), Map.of()));
    }
  }

  private void verifyRows(List<Row> all) {
    Row newest = null;
    Row before = null;
    for (Row row : all) {
      int commit = newest == null ? 0 : newest.commit;
      assertThat(row.commit)
          .as("commit of %s does not go back", row)
          .isGreaterThanOrEqualTo(commit);
      assertThat(row.commit - row.version).as("%s counts at once or next", row).isBetween(0, 1);
      before = row.commit > commit ? newest : before;
      newest = row;
      if (before == null || before.token == null) {
        assertThat(row.previous).as("previous of %s", row).isNull();
      } else {
        assertThat(row.previous).as("previous of %s", row).isNotNull();
        assertThat(row.previous.getCodes()).isEqualTo(before.token.getCodes());
        assertThat(row.previous.getSuffix()).isEqualTo(before.token.getSuffix());
      }
      if (row.token != null) {
        assertThat(row.token.getCodes())
            .hasSize(levels)
            .allMatch(c -> c >= 0 && c < codebookSize, "in the codebook");
        assertThat(row.token.getNearest())
            .hasSize(levels)
            .allMatch(c -> c >= 0 && c < codebookSize, "in the codebook");
        assertThat(row.token.getDistances()).hasSize(levels).allMatch(Float::isFinite);
      }
    }
  }

  /** The table of one version after the other. */
  private static final class CommittedTable {
    private final Map<String, ItemToken> tokens = new HashMap<>();
    private final Map<List<Integer>, String> owners = new HashMap<>();
    private long checksum;

    /** Goes on to a version, and holds it to what its COMMIT says. */
    void apply(VersionRecord commit, Map<String, Row> changes) {
      int v = commit.getVersion();
      int before = tokens.size();
      long rowCount = 0;
      long rowSum = 0;
      long removed = 0;
      long moved = 0;
      for (Row row : changes.values()) {
        ItemToken was = tokens.remove(row.item);
        if (was != null) {
          owners.remove(whole(was));
          checksum -= sum(was);
          removed += row.token == null ? 1 : 0;
          moved += row.token != null && !whole(was).equals(whole(row.token)) ? 1 : 0;
        }
      }
      for (Row row : changes.values()) {
        if (row.token == null) {
          continue;
        }
        String other = owners.put(whole(row.token), row.item);
        assertThat(other)
            .as("owner beside %s of token %s in version %d", row.item, whole(row.token), v)
            .isNull();
        tokens.put(row.item, row.token);
        rowCount++;
        rowSum += sum(row.token);
      }
      checksum += rowSum;
      assertThat(commit.getItems()).as("items of %d", v).isEqualTo(tokens.size());
      assertThat(commit.getTableChecksum()).as("table of %d", v).isEqualTo(checksum);
      assertThat(commit.getRows()).as("rows of %d", v).isEqualTo(rowCount);
      assertThat(commit.getRowsChecksum()).as("rows of %d", v).isEqualTo(rowSum);
      assertThat(commit.getTombstones()).as("removals of %d", v).isEqualTo(removed);
      assertThat(commit.getOldItems()).as("old items of %d", v).isEqualTo(before - removed);
      assertThat(commit.getMovedItems()).as("moved items of %d", v).isEqualTo(moved);
    }

    private static long sum(ItemToken token) {
      return TokenChecksum.of(token.getItem(), token.getCodes(), token.getSuffix());
    }
  }

  private static List<Integer> whole(ItemToken token) {
    List<Integer> whole = new ArrayList<>(token.getCodes());
    whole.add(token.getSuffix() == null ? 0 : token.getSuffix());
    return whole;
  }

  @Override
  public void close() {
    consumer.close();
  }
}
