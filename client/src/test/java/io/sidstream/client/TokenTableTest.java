package io.sidstream.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A table that reads topics in memory. */
class TokenTableTest {
  private static final Duration TIME = Duration.ofSeconds(20);

  @TempDir private Path folder;
  private final MemoryTopics topics = new MemoryTopics();

  private TokenTable.Builder builder() {
    return TokenTable.builder("memory:0").connection(topics).patience(Duration.ofMillis(50));
  }

  @Test
  void waitsForBrokersThatAreNotThereAndKeepsAsking() throws Exception {
    java.util.concurrent.atomic.AtomicInteger asked =
        new java.util.concurrent.atomic.AtomicInteger();
    java.util.concurrent.atomic.AtomicBoolean there =
        new java.util.concurrent.atomic.AtomicBoolean();
    Connection late =
        new Connection() {
          @Override
          public BrokerProbe.Finding probe(Properties properties) {
            asked.incrementAndGet();
            return there.get()
                ? new BrokerProbe.Finding(BrokerProbe.State.ANSWERS, "")
                : new BrokerProbe.Finding(BrokerProbe.State.UNREACHABLE, "broker x is away");
          }

          @Override
          public org.apache.kafka.clients.consumer.Consumer<byte[], byte[]> reader(
              Properties properties) {
            assertThat(there).as("no reader before a broker answers").isTrue();
            return topics.reader(properties);
          }

          @Override
          public String identity(Properties properties, java.util.List<String> names)
              throws InterruptedException {
            return topics.identity(properties, names);
          }
        };
    topics.row("a", 1, 1, null, 1);
    topics.commit(1, Map.of("a", 1));
    try (TokenTable table = builder().connection(late).open()) {
      until(() -> asked.get() >= 3);
      assertThatThrownBy(() -> table.await(1, Duration.ofMillis(10)))
          .isInstanceOf(TimeoutException.class)
          .hasMessageContaining("broker x is away");
      assertThat(table.failure()).isNull();
      there.set(true);
      table.await(1, TIME);
      assertThat(served(table)).isEqualTo(Map.of("a", 1));
    }
    there.set(false);
    asked.set(0);
    try (TokenTable table = builder().connection(late).open()) {
      until(() -> asked.get() >= 1);
      assertThat(table.version()).isZero();
    }
    assertThat(asked.get()).as("closing does not wait").isLessThan(5);
  }

  @Test
  void endsWhereSomethingElseThanABrokerAnswers() {
    Connection tls =
        new Connection() {
          @Override
          public BrokerProbe.Finding probe(Properties properties) {
            return new BrokerProbe.Finding(
                BrokerProbe.State.OTHER_PROTOCOL,
                "broker x:1 speaks TLS: set security.protocol=SSL");
          }

          @Override
          public org.apache.kafka.clients.consumer.Consumer<byte[], byte[]> reader(
              Properties properties) {
            throw new AssertionError("a plain reader takes an alert for a length");
          }

          @Override
          public String identity(Properties properties, java.util.List<String> names) {
            throw new AssertionError();
          }
        };
    try (TokenTable table = builder().connection(tls).open()) {
      assertThatThrownBy(() -> table.await(1, TIME))
          .isInstanceOf(TokenTableException.class)
          .hasMessageContaining("x:1 speaks TLS: set security.protocol=SSL");
    }
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + TIME.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time").isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** What is served, looked up both ways. */
  private static Map<String, Integer> served(TokenTable table) {
    TokenView view = table.view();
    Map<String, Integer> all = new TreeMap<>();
    view.forEach(
        (item, token) -> {
          all.put(item, token.codes()[0]);
          assertThat(view.get(item)).isEqualTo(token);
          assertThat(view.item(token.codes(), token.suffix())).isEqualTo(item);
        });
    return all;
  }

  /** Version 1 of three items, in a snapshot. */
  private void snapshotOfVersionOne() throws InterruptedException, TimeoutException {
    topics.row("a", 1, 1, null, 1);
    topics.row("b", 1, 1, null, 2);
    topics.row("c", 1, 1, null, 3);
    topics.embedding("a", 10);
    topics.embedding("b", 20);
    topics.embedding("c", 30);
    topics.commit(1, Map.of("a", 1, "b", 2, "c", 3));
    try (TokenTable table = builder().snapshots(folder).open()) {
      table.await(1, TIME);
    }
  }

  @Test
  void aSnapshotThatMissedARemovalIsReadAnewThoughItsOwnVersionVerifies() throws Exception {
    snapshotOfVersionOne();
    // While nobody reads a is removed, and the tombstone goes too.
    topics.compact("a", true);
    try (TokenTable table = builder().snapshots(folder).open()) {
      table.await(1, TIME);
      assertThat(served(table)).isEqualTo(Map.of("a", 1, "b", 2, "c", 3));
      topics.row("d", 2, 2, null, 4);
      topics.commit(2, Map.of("b", 2, "c", 3, "d", 4));
      table.await(2, TIME);
      assertThat(served(table)).isEqualTo(Map.of("b", 2, "c", 3, "d", 4));
      assertThat(table.failure()).isNull();

      // The version before was numbered by what was read the first time.
      assertThat(table.rollback()).isEqualTo(1);
      assertThat(served(table)).isEqualTo(Map.of("a", 1, "b", 2, "c", 3));
      assertThat(table.representation("b")).containsExactly(102, 20);
      assertThat(table.representation("c")).containsExactly(103, 30);
      table.resume();
      assertThat(table.representation("c")).containsExactly(203, 30);
    }
  }

  @Test
  void aCommitThatNoJobCanHaveSaidStopsNobody() throws Exception {
    topics.row("a", 1, 1, null, 1);
    topics.commit(1, Map.of("a", 1));
    topics.commit(Integer.MAX_VALUE, 7, 7);
    topics.row("b", 2, 1, null, 2);
    topics.commit(2, Map.of("a", 1, "b", 2));
    try (TokenTable table = builder().open()) {
      table.await(2, TIME);
      assertThat(served(table)).isEqualTo(Map.of("a", 1, "b", 2));
      topics.commit(1_000_000, 7, 7);
      topics.row("c", 3, 2, null, 3);
      topics.commit(3, Map.of("a", 1, "b", 2, "c", 3));
      table.await(3, TIME);
      assertThat(served(table)).isEqualTo(Map.of("a", 1, "b", 2, "c", 3));
    }
  }

  @Test
  void aRemovalMissedVersionsAgoIsReadAnewToo() throws Exception {
    snapshotOfVersionOne();
    try (TokenTable table = builder().snapshots(folder).open()) {
      table.await(1, TIME);
      topics.row("d", 2, 2, null, 4);
      topics.commit(2, Map.of("a", 1, "b", 2, "c", 3, "d", 4));
      table.await(2, TIME);
      topics.compact("a", true);
      topics.row("e", 3, 3, null, 5);
      topics.commit(3, Map.of("b", 2, "c", 3, "d", 4, "e", 5));
      table.await(3, TIME);
      assertThat(served(table)).isEqualTo(Map.of("b", 2, "c", 3, "d", 4, "e", 5));
    }
  }

  @Test
  void additionsAfterReadingAnewAreTheirOwnItems() throws Exception {
    snapshotOfVersionOne();
    // The rows come in another order when read anew, so that they are numbered otherwise.
    topics.row("a", 2, 2, 1, 9);
    topics.compact("a", false);
    topics.commit(2, 7, 7);
    try (TokenTable table = builder().snapshots(folder).open()) {
      table.await(1, TIME);
      until(() -> table.failure() != null);
      assertThat(table.failure()).hasMessageContaining("as of version 2");
      topics.row("d", 2, 1, null, 4);
      topics.embedding("d", 40);
      until(() -> table.get("d") != null);
      until(() -> table.representation("d")[1] == 40);
      assertThat(served(table)).isEqualTo(Map.of("a", 1, "b", 2, "c", 3, "d", 4));
      assertThat(table.version()).isEqualTo(1);
      assertThat(table.representation("a")).containsExactly(101, 10);
      assertThat(table.representation("b")).containsExactly(102, 20);
    }
  }

  @Test
  void patienceEndsThoughNewerVersionsKeepComing() throws Exception {
    snapshotOfVersionOne();
    try (TokenTable table =
        TokenTable.builder("memory:0").connection(topics).patience(Duration.ofMillis(500)).open()) {
      table.await(1, TIME);
      // A row was lost: none of the versions agrees.
      long end = System.nanoTime() + TIME.toNanos();
      int version = 1;
      while (table.failure() == null && System.nanoTime() < end) {
        topics.commit(++version, 7, 7);
        LockSupport.parkNanos(100_000_000);
      }
      assertThat(table.failure()).isNotNull().hasMessageContaining("as of version");
      assertThat(version).isLessThan(30);
      assertThat(table.version()).isEqualTo(1);
      // Rows that make it good are taken.
      topics.row("d", ++version, version, null, 4);
      topics.commit(version, Map.of("a", 1, "b", 2, "c", 3, "d", 4));
      table.await(version, TIME);
      assertThat(table.failure()).isNull();
    }
  }

  @Test
  void figuresTellWhatIsServedReadAndWrong() throws Exception {
    try (TokenTable table = builder().open()) {
      assertThat(table.stats().version()).isZero();
      assertThat(table.stats().ageMs()).isEqualTo(-1);
      assertThat(table.stats().loadMs()).isEqualTo(-1);
      assertThat(table.stats().reading()).isTrue();
      topics.row("a", 1, 1, null, 1);
      topics.row("b", 1, 1, null, 2);
      topics.commit(1, Map.of("a", 1, "b", 2));
      table.await(1, TIME);
      until(() -> table.stats().lag() == 0);
      TokenTableStats first = table.stats();
      assertThat(first.version()).isEqualTo(1);
      assertThat(first.versionsBehind()).isZero();
      assertThat(first.items()).isEqualTo(2);
      assertThat(first.rows()).isEqualTo(2);
      assertThat(first.verifyFailures()).isZero();
      assertThat(first.loadMs()).isBetween(0L, TIME.toMillis());
      assertThat(first.ageMs()).isCloseTo(table.age().toMillis(), within(TIME.toMillis()));

      topics.send("tokens", "c", new byte[] {1, 2, 3});
      topics.commit(2, 7, 7);
      until(() -> table.failure() != null);
      topics.commit(3, 8, 8);
      until(() -> table.stats().verifyFailures() == 2);
      assertThat(table.stats().versionsBehind()).isEqualTo(2);
      assertThat(table.stats().version()).isEqualTo(1);
      assertThat(table.stats().skipped()).isEqualTo(1).isEqualTo(table.skipped());
      assertThat(table.stats().rows()).isEqualTo(2);
      assertThat(table.stats().loadMs()).isEqualTo(first.loadMs());

      topics.next = new NoClassDefFoundError("x");
      until(() -> !table.stats().reading());
      assertThat(table.stats().lag()).isEqualTo(-1);
      assertThat(table.stats().verifyFailures()).isEqualTo(2);
      assertThat(table.stats().version()).isEqualTo(1);
    }
  }

  @Test
  void aSnapshotAndARollbackCountAsWhatIsServed() throws Exception {
    snapshotOfVersionOne();
    topics.row("d", 2, 2, null, 4);
    topics.commit(2, Map.of("a", 1, "b", 2, "c", 3, "d", 4));
    TokenTable table = builder().snapshots(folder).open();
    table.await(2, TIME);
    until(() -> table.stats().lag() == 0);
    assertThat(table.stats().rows()).as("beyond the snapshot").isEqualTo(1);
    table.rollback();
    assertThat(table.stats().version()).isEqualTo(1);
    assertThat(table.stats().versionsBehind()).isEqualTo(1);
    table.resume();
    assertThat(table.stats().versionsBehind()).isZero();
    table.close();
    assertThat(table.stats().reading()).isFalse();
  }

  @Test
  void anErrorThatEndsReadingIsTold() throws Exception {
    topics.commit(1, Map.of());
    try (TokenTable table = builder().open()) {
      table.await(1, TIME);
      until(() -> table.lag() == 0);
      topics.next = new NoClassDefFoundError("net/jpountz/lz4/LZ4Exception");
      until(() -> table.failure() != null);
      assertThat(table.failure())
          .hasMessageContaining("cannot be read any more")
          .hasMessageContaining("NoClassDefFoundError: net/jpountz/lz4/LZ4Exception")
          .hasCause(topics.next);
      assertThat(table.lag()).isEqualTo(-1);
      assertThatThrownBy(() -> table.await(2, TIME)).isSameAs(table.failure());
    }
  }

  @Test
  void aTableOpenedBeforeTheJobHasNoTopicsMade() throws Exception {
    Properties asked = new Properties();
    asked.put("allow.auto.create.topics", "true");
    topics.commit(1, Map.of());
    try (TokenTable table = builder().properties(asked).open()) {
      table.await(1, TIME);
      assertThat(topics.properties).containsEntry("allow.auto.create.topics", "false");
    }
  }

  @Test
  void morePartitionsThanAtTheBeginningEndReading() throws Exception {
    snapshotOfVersionOne();
    try (TokenTable table = builder().open()) {
      table.await(1, TIME);
      topics.partition("tokens", 1);
      until(() -> table.failure() != null);
      assertThat(table.failure())
          .hasMessageContaining(
              "topic sidstream.tokens has 2 partitions, 1 when the table was opened")
          .hasMessageContaining("begin anew with another topics.prefix and kafka.group");
      assertThat(table.get("a")).isNotNull();
    }
    // A snapshot knows how many there were when nobody looked.
    try (TokenTable table = builder().snapshots(folder).open()) {
      until(() -> table.failure() != null);
      assertThat(table.failure())
          .hasMessageContaining("topic sidstream.tokens has 2 partitions, 1 in the snapshot");
      assertThat(table.version()).isZero();
    }
  }
}
