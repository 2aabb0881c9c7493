package io.sidstream.job.tokens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.JobOptions.ResolveStrategy;
import io.sidstream.job.kafka.TokenSerializer;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.TokenRow;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random histories through the four operators, checked as a reader of the two topics would check
 * them.
 */
class TokenHistoryTest {
  private static final WireFormat WIRE = new WireFormat();
  private static final TokenSerializer SERIALIZER = new TokenSerializer("tokens");

  static {
    SERIALIZER.open(null, null);
  }

  private static final int VERSIONS = 5;

  private record Token(List<Integer> codes, int suffix) {
    static Token of(ItemToken row) {
      return new Token(row.getCodes(), row.getSuffix() == null ? 0 : row.getSuffix());
    }

    static Token of(TokenRef ref) {
      return ref == null
          ? null
          : new Token(ref.getCodes(), ref.getSuffix() == null ? 0 : ref.getSuffix());
    }
  }

  /** A visible row, decoded. */
  private record Row(String item, int commit, Token token, Token previous, ItemToken full) {}

  @ParameterizedTest
  @EnumSource(ResolveStrategy.class)
  void withoutFaults(ResolveStrategy strategy) throws Exception {
    for (long seed = 0; seed < 20; seed++) {
      run(seed, strategy, 1 + (int) (seed % 2), false, false);
    }
  }

  @ParameterizedTest
  @EnumSource(ResolveStrategy.class)
  void withCrashesAndRescaling(ResolveStrategy strategy) throws Exception {
    for (long seed = 100; seed < 112; seed++) {
      run(seed, strategy, 1 + (int) (seed % 2), true, false);
    }
  }

  /** With no rest at all, two items had one token in a committed table of each of these. */
  @ParameterizedTest
  @ValueSource(longs = {1024, 1027, 1136, 1339, 1351, 1466, 1637})
  void whatIsGivenUpRests(long seed) throws Exception {
    run(seed, ResolveStrategy.NEAREST_FREE, 1, true, false);
  }

  @Test
  void onRocksDb() throws Exception {
    run(7, ResolveStrategy.NEAREST_FREE, 1, true, true);
  }

  /**
   * Rows that a broker dropped after the checkpoint that holds them was complete: without another
   * word no later version would agree with its COMMIT.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void lostRowsAreWrittenAgain(long seed) throws Exception {
    Random random = new Random(seed);
    int lost = 0;
    try (TokenPipeline pipeline =
        new TokenPipeline(seed, ResolveStrategy.NEAREST_FREE, 1, 2, null)) {
      Map<String, float[]> known = new HashMap<>();
      long time = 0;
      for (int version = 1; version <= VERSIONS; version++) {
        pipeline.log.add(
            new TokenPipeline.Input(null, TinyTokenizer.update(seed, version, 3, .2f), 0));
        for (int i = 0; i < 30; i++) {
          pipeline.log.add(
              new TokenPipeline.Input(
                  event(random, known, "i" + random.nextInt(25), ++time), null, 0));
        }
        pipeline.drain();
        boolean loses = version == 2 || version == 4;
        if (loses) {
          pipeline.loseTransaction(0, version == 4);
        }
        pipeline.triggerCheckpoint();
        pipeline.drain();
        if (loses) {
          assertThat(pipeline.lostRows).isGreaterThan(lost);
          lost = pipeline.lostRows;
          if (version == 2) {
            assertThatThrownBy(() -> checkLast("seed " + seed, pipeline))
                .isInstanceOf(AssertionError.class);
          } else {
            assertThat(pipeline.commits.get(pipeline.commits.size() - 1).getVersion())
                .as("the COMMIT is lost, too")
                .isEqualTo(version - 1);
          }
          pipeline.crash(1 + random.nextInt(3));
          pipeline.republish();
          pipeline.triggerCheckpoint();
          pipeline.drain();
        }
        checkLast("seed " + seed, pipeline);
        assertThat(pipeline.commits.get(pipeline.commits.size() - 1).getVersion())
            .isEqualTo(version);
      }
    }
  }

  /** The last committed table, as the newest rows give it. */
  private static void checkLast(String about, TokenPipeline pipeline) {
    VersionRecord record = pipeline.commits.get(pipeline.commits.size() - 1);
    Map<String, Token> table = new HashMap<>();
    for (TokenRow encoded : pipeline.rows) {
      Row row = decode(encoded);
      if (row.commit <= record.getVersion() + 1) {
        put(table, row.item, row.commit <= record.getVersion() ? row.token : row.previous);
      }
    }
    long sum = 0;
    for (Map.Entry<String, Token> e : table.entrySet()) {
      sum += TokenChecksum.of(e.getKey(), e.getValue().codes, e.getValue().suffix);
    }
    assertThat(record.getItems()).as(about + ": items").isEqualTo(table.size());
    assertThat(record.getTableChecksum()).as(about + ": table's checksum").isEqualTo(sum);
    assertThat(new HashSet<>(table.values())).as(about + ": unique").hasSize(table.size());
  }

  private static void run(
      long seed, ResolveStrategy strategy, int quarantine, boolean crashes, boolean rocks)
      throws Exception {
    Random random = new Random(seed);
    int items = 10 + random.nextInt(40);
    int codewords = 2 + random.nextInt(3);
    String about = "seed " + seed + ", " + strategy + ", quarantine " + quarantine;
    try (TokenPipeline pipeline =
        new TokenPipeline(
            seed + 1, strategy, quarantine, 2, rocks ? new EmbeddedRocksDBStateBackend() : null)) {
      Map<String, float[]> known = new HashMap<>();
      int sent = 0;
      long time = 0;
      int idle = 0;
      while (pipeline.commits.size() < VERSIONS) {
        // The trainer: the next version begins after the last is visibly committed.
        if (sent == pipeline.commits.size() && random.nextInt(100) == 0) {
          pipeline.log.add(
              new TokenPipeline.Input(
                  null,
                  TinyTokenizer.update(seed, ++sent, codewords, random.nextFloat() * 0.3f),
                  0));
        }
        if (random.nextInt(3) == 0) {
          String id = "i" + random.nextInt(items);
          pipeline.log.add(new TokenPipeline.Input(event(random, known, id, ++time), null, 0));
        }
        if (random.nextInt(60) == 0) {
          pipeline.triggerCheckpoint();
        }
        if (crashes && pipeline.hasCheckpoint() && random.nextInt(400) == 0) {
          pipeline.crash(1 + random.nextInt(3));
        }
        for (int i = random.nextInt(6); i >= 0; i--) {
          pipeline.step();
        }
        assertThat(++idle).as(about + ": the versions do not come to an end").isLessThan(200_000);
      }
      pipeline.drain();
      pipeline.triggerCheckpoint();
      pipeline.drain();
      check(about, pipeline, strategy);
    }
  }

  private static EmbeddedItem event(
      Random random, Map<String, float[]> known, String id, long time) {
    EmbeddedItem item = new EmbeddedItem();
    item.item = id;
    item.time = time;
    int kind = random.nextInt(10);
    if (kind < 2) {
      item.deleted = true;
      return item;
    }
    float[] vector = known.get(id);
    // Now and then the same vector again, in a fresh array.
    if (vector == null || kind > 3) {
      vector = new float[TinyTokenizer.DIMENSION];
      for (int j = 0; j < vector.length; j++) {
        vector[j] = (float) random.nextGaussian();
      }
      known.put(id, vector);
    }
    item.vector = vector.clone();
    return item;
  }

  private static void check(String about, TokenPipeline pipeline, ResolveStrategy strategy) {
    List<Row> rows = new ArrayList<>();
    Set<String> explained = new HashSet<>();
    for (TokenRow row : pipeline.rows) {
      Row decoded = decode(row);
      rows.add(decoded);
      if (decoded.full != null) {
        // An item that did not change has one token in a version.
        assertThat(explained.add(row.item + " " + decoded.full.getTime() + " " + row.version))
            .as(about + ": a second row of " + row.item + " without a reason under " + row.version)
            .isTrue();
        checkRepair(about, decoded.full, strategy);
      }
    }

    Map<String, Token> before = Map.of();
    int expected = 1;
    for (VersionRecord record : pipeline.commits) {
      String version = about + ", version " + record.getVersion();
      assertThat(record.getVersion()).as(version).isEqualTo(expected++);
      assertThat(record.getState()).isEqualTo(VersionState.COMMIT);
      Map<String, Token> table = checkCommit(version, record, rows, before, strategy);
      pipeline
          .aliveAtMark
          .get(record.getVersion())
          .forEach(
              (item, position) -> {
                if (!deletedAfter(pipeline, item, position)) {
                  assertThat(table).as(version + " misses " + item).containsKey(item);
                }
              });
      before = table;
    }

    Map<String, Token> end = new HashMap<>();
    for (Row row : rows) {
      put(end, row.item, row.token);
    }
    assertThat(end.keySet())
        .as(about + ": items at the end")
        .isEqualTo(pipeline.alive(i -> i).keySet());
  }

  private static Row decode(TokenRow row) {
    ProducerRecord<byte[], byte[]> record = SERIALIZER.serialize(row, null, null);
    if (record.value() == null) {
      Header header = record.headers().lastHeader(TokenHeaders.PREVIOUS);
      TokenRef previous = header == null ? null : WIRE.decode(header.value(), TokenRef.class);
      return new Row(row.item, row.commit, null, Token.of(previous), null);
    }
    ItemToken token = WIRE.decode(record.value(), ItemToken.class);
    assertThat(token.getCommit())
        .isEqualTo(row.commit)
        .isBetween(token.getVersion(), token.getVersion() + 1);
    return new Row(row.item, row.commit, Token.of(token), Token.of(token.getPrevious()), token);
  }

  private static void checkRepair(String about, ItemToken row, ResolveStrategy strategy) {
    int last = TinyTokenizer.LEVELS - 1;
    assertThat(row.getCodes().subList(0, last))
        .as(about)
        .isEqualTo(row.getNearest().subList(0, last));
    if (strategy != ResolveStrategy.NEAREST_FREE) {
      assertThat(row.getCodes()).as(about).isEqualTo(row.getNearest());
    }
    if (strategy == ResolveStrategy.NONE) {
      assertThat(row.getSuffix()).as(about).isNull();
    }
  }

  private static boolean deletedAfter(TokenPipeline pipeline, String item, int position) {
    return pipeline.log.subList(position, pipeline.log.size()).stream()
        .anyMatch(i -> i.item() != null && i.item().deleted && i.item().item.equals(item));
  }

  /** The table of a version, compared with what its COMMIT says. */
  private static Map<String, Token> checkCommit(
      String about,
      VersionRecord record,
      List<Row> rows,
      Map<String, Token> before,
      ResolveStrategy strategy) {
    int version = record.getVersion();
    Map<String, Token> table = new HashMap<>();
    Map<String, Row> newest = new TreeMap<>();
    Map<String, Token> joined = new HashMap<>();
    for (Row row : rows) {
      if (row.commit <= version) {
        put(table, row.item, row.token);
        newest.put(row.item, row);
      }
      // A reader who sees only the newest row of each item, up to the next version.
      if (row.commit <= version + 1) {
        put(joined, row.item, row.commit <= version ? row.token : row.previous);
      }
      if (row.commit == version) {
        assertThat(row.previous)
            .as(about + ": previous of " + row.item)
            .isEqualTo(before.get(row.item));
      }
    }
    assertThat(joined).as(about + ": the table from the newest rows").isEqualTo(table);
    if (strategy != ResolveStrategy.NONE) {
      assertThat(new HashSet<>(table.values())).as(about + ": unique").hasSize(table.size());
    }

    long tableChecksum = 0;
    long rowsChecksum = 0;
    long rowCount = 0;
    long old = 0;
    long moved = 0;
    long[] codes = new long[TinyTokenizer.LEVELS];
    long[] prefixes = new long[TinyTokenizer.LEVELS];
    for (Map.Entry<String, Token> e : table.entrySet()) {
      Token now = e.getValue();
      long sum = TokenChecksum.of(e.getKey(), now.codes, now.suffix);
      tableChecksum += sum;
      if (newest.get(e.getKey()).commit == version) {
        rowCount++;
        rowsChecksum += sum;
      }
      Token then = before.get(e.getKey());
      if (then != null) {
        old++;
        moved += now.equals(then) ? 0 : 1;
        boolean changed = false;
        for (int l = 0; l < codes.length; l++) {
          boolean differs = !now.codes.get(l).equals(then.codes.get(l));
          changed |= differs;
          codes[l] += differs ? 1 : 0;
          prefixes[l] += changed ? 1 : 0;
        }
      }
    }
    assertThat(record.getItems()).as(about + ": items").isEqualTo(table.size());
    assertThat(record.getRows()).as(about + ": rows").isEqualTo(rowCount);
    assertThat(record.getTombstones())
        .as(about + ": tombstones")
        .isEqualTo(before.keySet().stream().filter(i -> !table.containsKey(i)).count());
    assertThat(record.getRowsChecksum()).as(about + ": rows' checksum").isEqualTo(rowsChecksum);
    assertThat(record.getTableChecksum()).as(about + ": table's checksum").isEqualTo(tableChecksum);
    assertThat(record.getOldItems()).as(about + ": old items").isEqualTo(old);
    assertThat(record.getMovedItems()).as(about + ": moved items").isEqualTo(moved);
    assertThat(record.getChangedCodes()).as(about).containsExactly(box(codes));
    assertThat(record.getChangedPrefixes()).as(about).containsExactly(box(prefixes));
    return table;
  }

  private static Long[] box(long[] values) {
    Long[] boxed = new Long[values.length];
    java.util.Arrays.setAll(boxed, i -> values[i]);
    return boxed;
  }

  private static void put(Map<String, Token> table, String item, Token token) {
    if (token == null) {
      table.remove(item);
    } else {
      table.put(item, token);
    }
  }
}
