package io.sidstream.job.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.DeadLetterSerializer;
import io.sidstream.job.kafka.RawRecordDeserializer;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Rule;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.ProcessFunctionTestHarnesses;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
class IngestTest {
  private static final long NOW = Instant.parse("2020-06-01T00:00:00Z").toEpochMilli();
  private static final JobConfig CONFIG =
      JobConfig.of(
          Map.of(
              "content.dim", "3",
              "ingest.max-id-bytes", "8",
              "ingest.max-text-bytes", "20",
              "dead-letters.max-bytes", "100"));

  private final WireFormat wire = new WireFormat();
  private OneInputStreamOperatorTestHarness<RawRecord, Item> items;
  private OneInputStreamOperatorTestHarness<RawRecord, Interaction> interactions;

  @BeforeEach
  void open() throws Exception {
    items = harness(new IngestItems(CONFIG));
    interactions = harness(new IngestInteractions(CONFIG));
  }

  @AfterEach
  void close() throws Exception {
    items.close();
    interactions.close();
  }

  private static <T> OneInputStreamOperatorTestHarness<RawRecord, T> harness(
      ProcessFunction<RawRecord, T> function) throws Exception {
    var harness = ProcessFunctionTestHarnesses.forProcessFunction(function);
    harness.setProcessingTime(NOW);
    return harness;
  }

  @Test
  void aRecordDatedAheadIsOfItsArrival() throws Exception {
    Instant ahead = Instant.ofEpochMilli(NOW + 3_600_000);
    assertThat(accepted(items, raw("a", item(e -> e.setTime(ahead)))).time).isEqualTo(NOW);
    assertThat(accepted(interactions, raw("u", interaction(e -> e.setTime(ahead)))).time)
        .isEqualTo(NOW);
    RawRecord deletion = raw("a", (byte[]) null);
    deletion.timestamp = NOW + 3_600_000;
    assertThat(accepted(items, deletion).time).isEqualTo(NOW);
    Instant before = Instant.ofEpochMilli(NOW - 1);
    assertThat(accepted(items, raw("a", item(e -> e.setTime(before)))).time).isEqualTo(NOW - 1);
  }

  @Test
  void aJobThatWasDownForLongerThanDeletionsAreKeptSaysSo() throws Exception {
    assertThat(unseenMsAfter(Duration.ofHours(30), 24 * 3_600_000L))
        .isBetween(6 * 3_600_000L, 6 * 3_600_000L + 60_000);
    assertThat(unseenMsAfter(Duration.ofHours(23), 24 * 3_600_000L)).isZero();
    assertThat(unseenMsAfter(Duration.ofDays(30), -1)).as("the broker does not tell").isZero();
    assertThat(unseenMsAfter(Duration.ofSeconds(5), 0)).as("a restart after a failure").isZero();
  }

  /** The metric of a job that goes on from a checkpoint of so long ago. */
  private static long unseenMsAfter(Duration down, long keptMs) throws Exception {
    OperatorSubtaskState state;
    try (var before = harness(new IngestItems(CONFIG, () -> keptMs))) {
      state = before.snapshot(1, System.currentTimeMillis() - down.toMillis());
    }
    IngestItems restored = new IngestItems(CONFIG, () -> keptMs);
    try (var after =
        new OneInputStreamOperatorTestHarness<RawRecord, Item>(new ProcessOperator<>(restored))) {
      after.initializeState(state);
      after.open();
      return restored.deletionsUnseenForMs();
    }
  }

  @Test
  void itemWithVector() throws Exception {
    Item item = accepted(items, raw("a", item(e -> e.setText("text"))));
    assertThat(item.item).isEqualTo("a");
    assertThat(item.vector).containsExactly(1f, 2f, 3f);
    assertThat(item.text).isNull();
    assertThat(item.deleted).isFalse();
    assertThat(item.time).isEqualTo(NOW - 1000);
  }

  @Test
  void itemWithTextAndItemWithTitle() throws Exception {
    try (var harness = harness(new IngestItems(JobConfig.defaults()))) {
      assertThat(accepted(harness, raw("a", item(e -> text(e, "text", "title")))).text)
          .isEqualTo("text");
      assertThat(accepted(harness, raw("a", item(e -> text(e, " ", "title")))).text)
          .isEqualTo("title");
      assertThat(accepted(harness, raw("a", item(e -> text(e, null, "title")))).vector).isNull();
    }
  }

  @Test
  void nullValueIsDeletionAtTheRecordsTime() throws Exception {
    RawRecord raw = raw("ä", (byte[]) null);
    Item item = accepted(items, raw);
    assertThat(item.deleted).isTrue();
    assertThat(item.item).isEqualTo("ä");
    assertThat(item.time).isEqualTo(raw.timestamp);
    assertThat(item.vector).isNull();
  }

  @Test
  void interaction() throws Exception {
    Interaction interaction = accepted(interactions, raw("u", interaction(e -> e.setWeight(0f))));
    assertThat(interaction.user).isEqualTo("u");
    assertThat(interaction.item).isEqualTo("a");
    assertThat(interaction.eventId).isEqualTo("e1");
    assertThat(interaction.weight).isZero();
    assertThat(interaction.time).isEqualTo(NOW - 1000);
  }

  @Test
  void everyItemRuleNamesFieldValueAndExpectation() throws Exception {
    itemRule(Rule.KEY_MISSING, "key is null; expected: the item", raw(null, item(e -> {})));
    itemRule(Rule.KEY_MISMATCH, "key is 'b'; expected: the item, 'a'", raw("b", item(e -> {})));
    itemRule(Rule.ID_EMPTY, "item is ''", raw("", item(e -> e.setItem(""))));
    itemRule(Rule.ID_EMPTY, "key is ''", raw("", (byte[]) null));
    itemRule(Rule.ID_TOO_LONG, "at most 8 bytes", raw("äääää", item(e -> e.setItem("äääää"))));
    itemRule(Rule.ID_TOO_LONG, "key is '123456789'", raw("123456789", (byte[]) null));
    RawRecord notUtf8 = raw("a", (byte[]) null);
    notUtf8.key = new byte[] {(byte) 0xFF};
    itemRule(Rule.KEY_NOT_UTF8, "not UTF-8", notUtf8);
    itemRule(
        Rule.VECTOR_WRONG_DIMENSION,
        "vector has 2 elements; expected: content.dim = 3",
        vector(1, 2));
    itemRule(Rule.VECTOR_WRONG_DIMENSION, "vector has 0 elements", vector());
    itemRule(Rule.VECTOR_NOT_FINITE, "vector[1] is NaN", vector(1, Float.NaN, 3));
    itemRule(
        Rule.VECTOR_NOT_FINITE, "vector[2] is -Infinity", vector(1, 2, Float.NEGATIVE_INFINITY));
    itemRule(Rule.VECTOR_NOT_FINITE, "squared norm of 1.0", vector(1e20f, 0, 0));
    itemRule(
        Rule.VECTOR_TOO_LONG,
        "vector has a norm of 1077.0; expected: at most ingest.max-vector-norm = 1000.0",
        vector(1077, 0, 0));
    itemRule(Rule.VECTOR_ZERO, "squared norm of 0.0", vector(0, -0f, 0));
    itemRule(Rule.VECTOR_ZERO, "expected: at least", vector(1e-30f, 0, 0));
    itemRule(
        Rule.TEXT_TOO_LONG,
        "text is 'äääääääääää'",
        raw("a", item(e -> e.setText("ä".repeat(11)))));
    itemRule(
        Rule.TEXT_TOO_LONG,
        "...' (200 characters)",
        raw("a", item(e -> text(e, null, "x".repeat(200)))));
    itemRule(
        Rule.TEXT_NOT_EMBEDDABLE, "content.dim is 3", raw("a", item(e -> text(e, "text", null))));
    itemRule(Rule.NO_CONTENT, "expected: one of them", raw("a", item(e -> text(e, null, " "))));
    Instant late = Instant.ofEpochMilli(NOW + 86_400_001);
    itemRule(
        Rule.TIME_IN_FUTURE,
        "time is 2020-06-02T00:00:00.001Z",
        raw("a", item(e -> e.setTime(late))));
    Instant early = Instant.parse("1989-12-31T23:59:59.999Z");
    itemRule(
        Rule.TIME_TOO_OLD,
        "not before 1990-01-01T00:00:00Z",
        raw("a", item(e -> e.setTime(early))));
    itemRule(
        Rule.TIME_IN_FUTURE,
        "time is",
        raw("a", item(e -> e.setTime(Instant.ofEpochMilli(Long.MAX_VALUE)))));
    itemRule(
        Rule.TIME_TOO_OLD,
        "The number is 1577836800: in seconds, not milliseconds? Send milliseconds",
        raw("a", item(e -> e.setTime(Instant.ofEpochMilli(1_577_836_800L)))));
    itemRule(
        Rule.TIME_IN_FUTURE,
        "The number is 1577836800000000: in microseconds, not milliseconds?",
        raw("a", item(e -> e.setTime(Instant.ofEpochMilli(1_577_836_800_000_000L)))));
    itemRule(
        Rule.TIME_TOO_OLD,
        "time is",
        raw("a", item(e -> e.setTime(Instant.ofEpochMilli(Long.MIN_VALUE)))));
    itemRule(Rule.UNDECODABLE, "value has 0 bytes", raw("a", new byte[0]));
    byte[] unknown = wire.encode(item(e -> {}));
    unknown[3]++;
    itemRule(Rule.UNKNOWN_SCHEMA, "not that of a released schema", raw("a", unknown));
    itemRule(Rule.WRONG_SCHEMA, "value is a InteractionEvent", raw("u", interaction(e -> {})));
  }

  @Test
  void everyInteractionRuleNamesFieldValueAndExpectation() throws Exception {
    interactionRule(Rule.KEY_MISSING, "expected: the user", raw(null, interaction(e -> {})));
    interactionRule(Rule.NULL_VALUE, "cannot be deleted", raw("u", (byte[]) null));
    interactionRule(
        Rule.KEY_MISMATCH, "key is 'v'; expected: the user, 'u'", raw("v", interaction(e -> {})));
    interactionRule(Rule.ID_EMPTY, "item is ''", raw("u", interaction(e -> e.setItem(""))));
    interactionRule(
        Rule.ID_TOO_LONG,
        "eventId is '123456789'",
        raw("u", interaction(e -> e.setEventId("123456789"))));
    interactionRule(
        Rule.EVENT_ID_EMPTY, "eventId is ''", raw("u", interaction(e -> e.setEventId(""))));
    for (float weight : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY}) {
      interactionRule(
          Rule.WEIGHT_INVALID,
          "weight is " + weight,
          raw("u", interaction(e -> e.setWeight(weight))));
    }
    interactionRule(
        Rule.TIME_TOO_OLD, "1970", raw("u", interaction(e -> e.setTime(Instant.EPOCH))));
    interactionRule(Rule.WRONG_SCHEMA, "expected is a InteractionEvent", raw("a", item(e -> {})));
  }

  private static ProducerRecord<byte[], byte[]> written(DeadLetterRecord letter) {
    DeadLetterSerializer serializer = new DeadLetterSerializer("dead-letters");
    serializer.open(null, null);
    return serializer.serialize(letter, null, null);
  }

  @Test
  void theLargestDeadLetterIsOneThatItsSinkTakes() {
    int most = 16_000_000;
    assertThat(
            JobConfig.of(Map.of("dead-letters.max-bytes", Integer.toString(most)))
                .get(JobOptions.DEAD_LETTERS_MAX_BYTES))
        .isEqualTo(most);
    RawRecord raw = new RawRecord();
    raw.topic = "t".repeat(249);
    raw.key = new byte[most / 4];
    raw.value = new byte[most];
    ProducerRecord<byte[], byte[]> record =
        written(
            DeadLetterRecord.of(
                raw, Rule.UNDECODABLE, "€".repeat(5_000), most, 1_700_000_000_000L));
    assertThat(record.key().length + record.value().length)
        .isBetween(most, Topics.MAX_MESSAGE_BYTES - 65_536);
  }

  @Test
  void deadLetterKeepsWhereItCameFromAndCutsTheValue() throws Exception {
    byte[] value = new byte[1000];
    Arrays.fill(value, (byte) 7);
    ProducerRecord<byte[], byte[]> record = written(rejected(items, raw("a", value)));
    assertThat(record.key()).containsExactly('a');
    DeadLetter letter = wire.decode(record.value(), DeadLetter.class);
    assertThat(letter.getTopic()).isEqualTo("t");
    assertThat(letter.getPartition()).isEqualTo(5);
    assertThat(letter.getOffset()).isEqualTo(77);
    assertThat(letter.getTimestamp().toEpochMilli()).isEqualTo(NOW - 500);
    assertThat(letter.getTime().toEpochMilli()).isEqualTo(NOW);
    assertThat(letter.getKey().array()).containsExactly('a');
    assertThat(letter.getValue().array()).hasSize(98).containsOnly(7);
    assertThat(letter.getValueLength()).isEqualTo(1000);

    DeadLetterRecord longKey = rejected(items, raw("k".repeat(1000), value));
    assertThat(longKey.key).hasSize(25);
    assertThat(longKey.value).hasSize(50);
  }

  @Test
  void noBytesMakeItThrow() throws Exception {
    Random random = new Random(1);
    List<RawRecord> good = List.of(raw("a", item(e -> {})), raw("u", interaction(e -> {})));
    Set<String> seen = new HashSet<>();
    int n = 20_000;
    for (int i = 0; i < n; i++) {
      RawRecord raw = good.get(i % 2);
      RawRecord bad = raw(random.nextInt(3) == 0 ? "x" : null, raw.value.clone());
      bad.key = bad.key == null ? raw.key : bad.key;
      for (int flips = random.nextInt(3); flips >= 0; flips--) {
        bad.value[random.nextInt(4) == 0 ? random.nextInt(10) : random.nextInt(bad.value.length)] ^=
            (byte) (1 << random.nextInt(8));
      }
      if (random.nextInt(4) == 0) {
        bad.value = Arrays.copyOf(bad.value, random.nextInt(80));
      }
      items.processElement(new StreamRecord<>(bad));
      interactions.processElement(new StreamRecord<>(bad));
    }
    assertThat(items.extractOutputValues().size() + letters(items).size()).isEqualTo(n);
    assertThat(interactions.extractOutputValues().size() + letters(interactions).size())
        .isEqualTo(n);
    letters(items).forEach(l -> seen.add(l.code));
    letters(interactions).forEach(l -> seen.add(l.code));
    assertThat(seen).contains("UNDECODABLE", "UNKNOWN_SCHEMA", "WRONG_SCHEMA", "KEY_MISMATCH");
  }

  @Test
  void deserializerTakesRecordsAsTheyAre() {
    List<RawRecord> out = new ArrayList<>();
    Collector<RawRecord> collector =
        new Collector<>() {
          @Override
          public void collect(RawRecord record) {
            out.add(record);
          }

          @Override
          public void close() {}
        };
    new RawRecordDeserializer()
        .deserialize(new ConsumerRecord<>("t", 1, 2L, null, new byte[] {9}), collector);
    new RawRecordDeserializer()
        .deserialize(new ConsumerRecord<>("t", 1, 3L, new byte[] {8}, null), collector);
    assertThat(out).extracting(r -> r.offset).containsExactly(2L, 3L);
    assertThat(out.get(0).key).isNull();
    assertThat(out.get(0).value).containsExactly(9);
    assertThat(out.get(1).value).isNull();
  }

  private void itemRule(Rule rule, String reason, RawRecord raw) throws Exception {
    assertRule(rejected(items, raw), rule, reason);
  }

  private void interactionRule(Rule rule, String reason, RawRecord raw) throws Exception {
    assertRule(rejected(interactions, raw), rule, reason);
  }

  private static void assertRule(DeadLetterRecord letter, Rule rule, String reason) {
    assertThat(letter.code).as(letter.reason).isEqualTo(rule.name());
    assertThat(letter.reason).contains(reason);
  }

  private static <T> T accepted(
      OneInputStreamOperatorTestHarness<RawRecord, T> harness, RawRecord raw) throws Exception {
    harness.processElement(new StreamRecord<>(raw));
    List<T> out = harness.extractOutputValues();
    return out.get(out.size() - 1);
  }

  private static DeadLetterRecord rejected(
      OneInputStreamOperatorTestHarness<RawRecord, ?> harness, RawRecord raw) throws Exception {
    int before = letters(harness).size();
    harness.processElement(new StreamRecord<>(raw));
    List<DeadLetterRecord> letters = letters(harness);
    assertThat(letters).hasSize(before + 1);
    return letters.get(before);
  }

  private static List<DeadLetterRecord> letters(
      OneInputStreamOperatorTestHarness<RawRecord, ?> harness) {
    Collection<StreamRecord<DeadLetterRecord>> letters =
        harness.getSideOutput(DeadLetterRecord.DEAD_LETTERS);
    return letters == null ? List.of() : letters.stream().map(StreamRecord::getValue).toList();
  }

  private RawRecord vector(float... vector) {
    return raw("a", item(e -> e.setVector(Vectors.toList(vector))));
  }

  private static void text(ItemEvent event, String text, String title) {
    event.setVector(null);
    event.setText(text);
    event.setTitle(title);
  }

  private static ItemEvent item(Consumer<ItemEvent> change) {
    ItemEvent event =
        ItemEvent.newBuilder()
            .setItem("a")
            .setVector(Vectors.toList(new float[] {1, 2, 3}))
            .setTime(Instant.ofEpochMilli(NOW - 1000))
            .build();
    change.accept(event);
    return event;
  }

  private static InteractionEvent interaction(Consumer<InteractionEvent> change) {
    InteractionEvent event =
        InteractionEvent.newBuilder()
            .setEventId("e1")
            .setUser("u")
            .setItem("a")
            .setTime(Instant.ofEpochMilli(NOW - 1000))
            .build();
    change.accept(event);
    return event;
  }

  private RawRecord raw(String key, SpecificRecord value) {
    return raw(key, wire.encode(value));
  }

  private static RawRecord raw(String key, byte[] value) {
    RawRecord raw = new RawRecord();
    raw.topic = "t";
    raw.partition = 5;
    raw.offset = 77;
    raw.timestamp = NOW - 500;
    raw.key = key == null ? null : key.getBytes(StandardCharsets.UTF_8);
    raw.value = value;
    return raw;
  }
}
