package io.sidstream.cli.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.client.Token;
import io.sidstream.client.TokenChange;
import io.sidstream.client.TokenTable;
import io.sidstream.client.TokenTableException;
import io.sidstream.client.TokenTableListener;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.Prequential;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.common.TopicPartition;
import org.assertj.core.api.AbstractStringAssert;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class TokensITCase {
  private static final Duration TIME = Duration.ofSeconds(60);

  @TempDir static Path folder;
  private static EmbeddedKafka kafka;

  @BeforeAll
  static void start() throws Exception {
    kafka = EmbeddedKafka.start(folder.resolve("kafka"));
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  private static TokenTable.Builder builder(String prefix) {
    return TokenTable.builder(kafka.bootstrap()).prefix(prefix);
  }

  private static Map<String, Token> committed(TokenTable table) {
    Map<String, Token> all = new TreeMap<>();
    table.view().forEachCommitted(all::put);
    return all;
  }

  private static void first(TokenTopics topics) throws Exception {
    for (int i = 0; i < 200; i++) {
      topics.item("item" + i);
      topics.token("item" + i, 1, i < 100 ? 0 : 1, i % 10, i / 10 % 10, 3);
      topics.embedding("item" + i, i, 2 * i);
    }
    topics.codebooks(1);
    topics.commit(1);
  }

  /** Half of version 2: changed, new and removed items, uncommitted. */
  private static void half(TokenTopics topics) throws Exception {
    topics.token("fresh", 1, 0, 15, 15, 15);
    topics.item("fresh");
    topics.codebooks(2);
    for (int i = 0; i < 20; i++) {
      topics.token("item" + i, 2, 0, i % 10, i / 10 % 10, 5);
    }
    topics.remove("item150", 1);
    topics.send("items", "item150", null);
  }

  @Test
  void howeverATableIsOpenedItEndsWithTheSameContent() throws Exception {
    String prefix = "same.";
    try (TokenTable early = builder(prefix).open()) {
      assertThat(early.version()).isZero();
      assertThat(early.get("item0")).isNull();
      assertThat(early.age()).isNull();
      try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
        first(topics);
        topics.flush();
        early.await(1, TIME);
        assertThat(committed(early)).isEqualTo(topics.table);
        TreeMap<String, Token> one = topics.committed;
        TokenTable killed = builder(prefix).snapshots(folder.resolve(prefix)).open();
        killed.await(1, TIME);
        Awaitility.await()
            .atMost(TIME)
            .until(() -> Files.exists(folder.resolve(prefix).resolve(prefix + "tokens.snapshot")));
        // What a process that is killed here leaves; closing would write another.
        byte[] asKilled =
            Files.readAllBytes(folder.resolve(prefix).resolve(prefix + "tokens.snapshot"));
        killed.close();

        half(topics);
        topics.flush();
        try (TokenTable middle = builder(prefix).open()) {
          middle.await(1, TIME);
          assertThat(committed(middle)).isEqualTo(one);
          // The new item of version 1 is there before the next COMMIT, the removed one still is.
          Awaitility.await().atMost(TIME).until(() -> middle.get("fresh") != null);
          Awaitility.await().atMost(TIME).until(() -> early.get("fresh") != null);
          assertThat(middle.version()).isEqualTo(1);
          assertThat(middle.get("item150")).isNotNull();
          assertThat(middle.items(15)).containsExactly("fresh");

          for (int i = 20; i < 40; i++) {
            topics.token("item" + i, 2, 0, i % 10, i / 10 % 10, 5);
          }
          topics.commit(2);
          topics.flush();
          Files.write(folder.resolve(prefix).resolve(prefix + "tokens.snapshot"), asKilled);
          try (TokenTable again = builder(prefix).snapshots(folder.resolve(prefix)).open()) {
            for (TokenTable table : List.of(early, middle, again)) {
              table.await(2, TIME);
              assertThat(committed(table)).isEqualTo(topics.committed);
              table.view().verify();
              assertThat(table.get("item150")).isNull();
              Awaitility.await().atMost(TIME).until(() -> table.lag() == 0);
              // 2 + 3, 102 + 0, 202 + 5; then e.
              assertThat(table.representation("item3"))
                  .containsExactly(2 + 3 + 102 + 207, 314, 314, 314, 3, 6);
              assertThat(table.rollback()).isEqualTo(1);
              assertThat(committed(table)).isEqualTo(one);
              assertThat(table.semanticEmbedding("item3"))
                  .containsExactly(1 + 3 + 101 + 204, 309, 309, 309);
              table.resume();
              assertThat(table.version()).isEqualTo(2);
            }
          }
        }
        TokenLog log =
            TokenLog.read(kafka.bootstrap(), prefix, new Properties(), "versions", "tokens");
        assertThat(log.table(2)).isEqualTo(topics.committed);
        assertThat(log.table(1)).isEqualTo(one);
      }
    }
  }

  @Test
  void aVersionThatDisagreesIsNotServed() throws Exception {
    String prefix = "wrong.";
    AtomicReference<TokenTableException> told = new AtomicReference<>();
    List<TokenChange> changes = new ArrayList<>();
    TokenTableListener listener =
        new TokenTableListener() {
          @Override
          public void beforeSwap(TokenChange change) {
            changes.add(change);
          }

          @Override
          public void failed(TokenTableException failure) {
            told.set(failure);
          }
        };
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix);
        TokenTable table =
            builder(prefix).patience(Duration.ofMillis(500)).listener(listener).open()) {
      first(topics);
      topics.flush();
      table.await(1, TIME);
      half(topics);
      topics.commit(2, 1);
      topics.flush();
      Awaitility.await().atMost(TIME).until(() -> told.get() != null);
      assertThat(told.get()).hasMessageContaining("version 2").hasMessageContaining("COMMIT");
      assertThat(table.version()).isEqualTo(1);
      assertThat(verify(prefix)).contains("wrong: checksums: version 2").endsWith("not verified");
      // A version later all is well again.
      topics.token("item7", 3, 0, 9, 9, 9);
      topics.codebooks(3);
      topics.commit(3);
      topics.flush();
      table.await(3, TIME);
      assertThat(committed(table)).isEqualTo(topics.committed);
      assertThat(table.failure()).isNull();
      assertThat(changes).hasSize(2);
      assertThat(changes.get(1).toString())
          .isEqualTo("version 1 to 3: 0 added, 1 removed, 20 moved");
    }
  }

  @Test
  void aTableEndsWhereATopicGetsMorePartitions() throws Exception {
    String prefix = "grown.";
    Properties impatient = new Properties();
    impatient.put("metadata.max.age.ms", "500");
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix);
        TokenTable table = builder(prefix).properties(impatient).open();
        Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrap()))) {
      first(topics);
      topics.flush();
      table.await(1, TIME);
      admin.createPartitions(Map.of(prefix + "tokens", NewPartitions.increaseTo(3))).all().get();
      Awaitility.await().atMost(TIME).until(() -> table.failure() != null);
      assertThat(table.failure())
          .hasMessageContaining("topic grown.tokens has 3 partitions, 2 when the table was opened");
      assertThat(table.lag()).isEqualTo(-1);
      assertThat(table.get("item3")).isNotNull();
    }
  }

  @Test
  void verifyTellsWhatIsWrong() throws Exception {
    String prefix = "judged.";
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
      first(topics);
      half(topics);
      topics.commit(2);
      topics.flush();
      assertThat(verify(prefix)).contains("agree: 2 of 2").endsWith("\nverified");

      topics.item("forgotten");
      topics.token("twin", 2, 0, 15, 15, 15);
      topics.token("far", 2, 0, 1, 16, 1);
      topics.send("tokens", "rubbish", new byte[] {1, 2, 3});
      topics.commit(3);
      topics.flush();
      assertThat(verify(prefix))
          .contains("completeness: item forgotten has no token")
          .contains("uniqueness: version 3: items fresh and twin both have token 15-15-15")
          .contains("item far has codes [1, 16, 1]")
          .contains("records that do not belong: " + prefix + "tokens-");
    }
  }

  /** Each table broken in one way, on topics of its own. */
  @Test
  void verifyNamesEachWayInWhichATableIsBroken() throws Exception {
    assertBroken("twice.", topics -> topics.token("twin", 1, 0, 0, 0, 3))
        .contains("uniqueness: version 2: items item0 and twin both have token 0-0-3");
    assertBroken("outside.", topics -> topics.token("far", 1, 0, 1, 16, 1))
        .contains("item far has codes [1, 16, 1]; the codebooks of version 1 have [16, 16, 16]");
    assertBroken("lost.", topics -> topics.lost("gone", 1, 0, 9, 9, 9))
        .contains("checksums: version 2: the table has 200 items with checksum ")
        .contains(", COMMIT says 201 and ");
    assertBroken("sum.", topics -> topics.checksumsOff = 1)
        .contains("checksums: version 2: its 1 rows have checksum ")
        .contains("checksums: version 2: the table has 201 items with checksum ")
        .contains(", COMMIT says 201 and ");
    assertBroken(
            "chain.",
            topics -> {
              topics.committed.put("item3", new Token(new int[] {7, 7, 7}, 0, 1));
              topics.token("item3", 1, 0, 8, 8, 8);
            })
        .contains("item item3 says that it replaces 7-7-7, but its token was 3-0-3");
  }

  /** What is said of a table that was sound at version 1 and is broken at version 2. */
  private static AbstractStringAssert<?> assertBroken(String prefix, Consumer<TokenTopics> fault)
      throws Exception {
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
      first(topics);
      topics.flush();
      assertThat(verify(prefix)).endsWith("verified").doesNotContain("wrong");
      fault.accept(topics);
      if (topics.checksumsOff != 0) {
        topics.token("sound", 1, 0, 9, 9, 9);
      }
      topics.codebooks(2);
      topics.commit(2);
      topics.flush();
      return assertThat(verify(prefix)).endsWith("not verified");
    }
  }

  @Test
  void getsDiffersExportsAndFollows() throws Exception {
    String prefix = "asked.";
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
      first(topics);
      half(topics);
      topics.commit(2);
      // Served beside the table of version 2, but the last: an item of that table has its token.
      topics.token("late", 2, 0, 14, 14, 14);
      topics.token("clash", 2, 0, 15, 15, 15);
      topics.flush();
    }
    assertThat(run(0, "get", prefix, "item0"))
        .startsWith("{\"item\":\"item0\",\"version\":2,\"commit\":2,")
        .contains("\"codes\":[0,0,5]", "\"previous\":{\"version\":1,\"codes\":[0,0,3]");
    run(1, "get", prefix, "nobody");
    run(1, "get", prefix, "item150");
    assertThat(run(0, "diff", prefix, "1", "2").lines())
        .hasSize(22)
        .contains("+ fresh 15-15-15", "- item150 0-5-3+1", "~ item0 0-0-3 0-0-5");
    assertThat(run(2, "diff", prefix, "1", "9")).isEmpty();
    assertThat(run(0, "export", prefix, "--format", "csv", "--at", "1").lines())
        .hasSize(201)
        .startsWith("item,version,code1,code2,code3,suffix", "item0,1,0,0,3,")
        .contains("item150,1,0,5,3,1");
    Path out = folder.resolve("table.jsonl");
    run(0, "export", prefix, "-o", out.toString());
    assertThat(Files.readAllLines(out))
        .hasSize(201)
        .anyMatch(line -> line.startsWith("{\"item\":\"late\""))
        .noneMatch(line -> line.contains("clash"))
        .first()
        .asString()
        .contains("\"distances\"");
    run(0, "export", prefix, "--at", "2", "-o", out.toString());
    assertThat(Files.readAllLines(out)).hasSize(200).noneMatch(line -> line.contains("late"));
    assertThat(run(0, "tail", prefix, "--from-beginning", "-n", "226").lines())
        .hasSize(226)
        .anyMatch(line -> line.contains("\"state\":\"COMMIT\",\"version\":2"))
        .anyMatch(line -> line.contains("\"item\":\"item150\",\"removed\":true,\"commit\":2"));
  }

  @Test
  void findsTokensWhoseItemIsGoneAndSendsTheDeletionAgain() throws Exception {
    String prefix = "orphans.";
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
      for (String item : List.of("a", "b", "c", "d")) {
        topics.token(item, 1, 0, item.charAt(0) - 'a', 0, 0);
      }
      topics.commit(1);
      topics.item("a");
      // Deleted and there again; deleted; c was compacted away with its deletion.
      topics.item("b");
      topics.send("items", "b", null);
      topics.item("b");
      topics.item("d");
      topics.send("items", "d", null);
      topics.flush();
      assertThat(run(1, "orphans", prefix)).isEqualTo("c\nd\n");
      assertThat(run(0, "orphans", prefix, "--delete")).isEqualTo("c\nd\n");
    }
    List<String> deleted = new ArrayList<>();
    TokenLog.read(
        kafka.bootstrap(),
        prefix,
        new Properties(),
        Set.of("items"),
        new String[] {"items"},
        record -> {
          if (record.value() == null) {
            deleted.add(new String(record.key(), StandardCharsets.UTF_8));
          }
        });
    assertThat(deleted).containsExactlyInAnyOrder("b", "d", "c", "d");
  }

  @Test
  void listsVersionsOnALineEach() throws Exception {
    String prefix = "listed.";
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
      VersionRecord record = new VersionRecord();
      record.setVersion(2);
      record.setState(VersionState.HELD);
      record.setReason("held by control message: sale");
      record.setModelDigest("");
      record.setChangedCodes(List.of());
      record.setChangedPrefixes(List.of());
      record.setTime(Instant.EPOCH);
      record.setItems(200);
      record.setQuality(
          Quality.newBuilder()
              .setUtilisation(List.of(1.0, 1.0, 1.0))
              .setPerplexity(List.of(8.0, 8.0, 8.0))
              .setUniqueTuples(.875)
              .setReconstruction(.5)
              .setExpectedChurn(.04)
              .setTolerance(List.of(.1, .1, .1))
              .setReseeded(List.of(0L, 1L, 2L))
              .setReseededItems(List.of(0L, 3L, 5L))
              .build());
      topics.send("versions", "2", new WireFormat().encode(record));
      record.setQuality(null);
      record.setState(VersionState.COMMIT);
      record.setReason(null);
      record.setRows(20);
      record.setTombstones(1);
      record.setOldItems(160);
      record.setMovedItems(4);
      record.setChangedCodes(List.of(0L, 1L, 4L));
      record.setChangedPrefixes(List.of(0L, 1L, 4L));
      topics.send("versions", "2", new WireFormat().encode(record));
      record.setState(VersionState.REVISION);
      record.setRevision(7);
      record.setInteractions(500);
      topics.send("versions", "2", new WireFormat().encode(record));
      record.setPrequential(new Prequential(40L, 20.0, 10.0, 10.0, 5L, 1.0, 0.0));
      topics.send("versions", "2", new WireFormat().encode(record));
      topics.flush();
    }
    assertThat(run(0, "versions", prefix, "--revisions").lines())
        .hasSize(4)
        .endsWith(
            "revision 7 of version 2 1970-01-01T00:00:00Z: interactions 500, loss 0.0000, events ranked 0",
            "revision 7 of version 2 1970-01-01T00:00:00Z: interactions 500, loss 0.0000, events ranked 40, HR@10 0.500, popularity 0.250, new items 0.200 of 5");
    assertThat(run(0, "versions", prefix, "--revisions", "--json").lines())
        .hasSize(4)
        .last()
        .asString()
        .contains("\"state\":\"REVISION\"", "\"prequential\":{\"events\":40,\"hits10\":20.0");
    assertThat(run(0, "versions", prefix).lines())
        .containsExactly(
            "version 2 HELD 1970-01-01T00:00:00Z: items 200, expected churn 4.00 %, alone in their tuple 87.50 %, reseeded codewords [0, 1, 2], items on them [0, 3, 5], reason: held by control message: sale",
            "version 2 COMMIT 1970-01-01T00:00:00Z: items 200, rows 20, removed 1, moved 4 of 160 (2.50 %), changed codes [0, 1, 4], prefixes [0, 1, 4]");
  }

  @Test
  void printsDeadLetters() throws Exception {
    String prefix = "dead.";
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
      topics.flush();
      assertThat(run(0, "dead-letters", prefix)).isEmpty();
      for (String code : List.of("VECTOR_ZERO", "KEY_MISSING")) {
        DeadLetter letter = new DeadLetter();
        letter.setTopic(prefix + "items");
        letter.setOffset(7);
        letter.setTimestamp(Instant.EPOCH);
        letter.setTime(Instant.EPOCH.plusSeconds(1));
        letter.setCode(code);
        letter.setReason("the \"reason\"");
        letter.setValueLength(3);
        letter.setValue(ByteBuffer.wrap(new byte[] {1, 2, 3}));
        if (code.equals("VECTOR_ZERO")) {
          letter.setKey(ByteBuffer.wrap("item1".getBytes(StandardCharsets.UTF_8)));
        }
        topics.send("dead-letters", null, new WireFormat().encode(letter));
      }
      topics.send("dead-letters", null, new byte[] {9});
      topics.flush();
    }
    String first =
        "{\"code\":\"VECTOR_ZERO\",\"reason\":\"the \\\"reason\\\"\",\"topic\":\"dead.items\",\"partition\":0,\"offset\":7,"
            + "\"timestamp\":\"1970-01-01T00:00:00Z\",\"rejected\":\"1970-01-01T00:00:01Z\",\"key\":\"item1\",\"valueBytes\":3";
    assertThat(run(0, "dead-letters", prefix).lines())
        .hasSize(2)
        .startsWith(first + "}")
        .last()
        .asString()
        .contains("\"code\":\"KEY_MISSING\"", "\"key\":null");
    assertThat(run(0, "dead-letters", prefix, "--code", "VECTOR_ZERO", "--values").lines())
        .containsExactly(first + ",\"keyBase64\":\"aXRlbTE=\",\"valueBase64\":\"AQID\"}");
    run(1, "dead-letters", "nowhere.");
  }

  @Test
  void tellsTheGateWhatToDo() throws Exception {
    String prefix = "told.";
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
      topics.flush();
    }
    run(0, "hold", prefix, "--reason", "sale");
    run(0, "force", prefix);
    run(0, "release", prefix);
    run(1, "hold", "nowhere.");
    List<String> told = new ArrayList<>();
    try (var consumer = TokenLog.consumer(kafka.bootstrap(), new Properties())) {
      TopicPartition partition = new TopicPartition(prefix + "control", 0);
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      Awaitility.await()
          .atMost(TIME)
          .until(
              () -> {
                for (var record : consumer.poll(Duration.ofMillis(100))) {
                  ControlMessage m = new WireFormat().decode(record.value(), ControlMessage.class);
                  told.add(m.getAction() + " " + m.getReason());
                }
                return told.size() >= 3;
              });
    }
    assertThat(told).containsExactly("HOLD sale", "FORCE ", "RELEASE ");
  }

  @Test
  void theExampleOfTheDocumentationRuns() throws Exception {
    String prefix = "example.";
    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), prefix)) {
      first(topics);
      topics.flush();
      assertThat(ClientExample.run(kafka.bootstrap(), prefix, folder.resolve("example")))
          .containsExactly(
              "version 0 to 1: 200 added, 0 removed, 0 moved",
              "item0 has 0-0-3, represented by 6 numbers");
    }
  }

  private static String verify(String prefix) throws InterruptedException {
    return Verification.run(kafka.bootstrap(), prefix, new Properties(), false, true, Duration.ZERO)
        .text();
  }

  /** What a command prints to standard output. */
  private static String run(int exit, String command, String prefix, String... more) {
    List<String> args =
        new ArrayList<>(List.of(command, "--bootstrap", kafka.bootstrap(), "--prefix", prefix));
    args.addAll(List.of(more));
    PrintStream terminal = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      int code =
          new CommandLine(new TokensCommand())
              .setCaseInsensitiveEnumValuesAllowed(true)
              .setExecutionExceptionHandler(
                  (e, line, parsed) ->
                      e instanceof io.sidstream.cli.UsageException
                          ? CommandLine.ExitCode.USAGE
                          : CommandLine.ExitCode.SOFTWARE)
              .execute(args.toArray(String[]::new));
      assertThat(code).as("exit code of tokens %s", args).isEqualTo(exit);
    } finally {
      System.setOut(terminal);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
