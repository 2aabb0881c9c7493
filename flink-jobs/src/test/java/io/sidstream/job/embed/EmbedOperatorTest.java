package io.sidstream.job.embed;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Item;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Order, batches and state. The model itself is tested by OnnxTextEmbedderTest; here a vector tells
 * its text.
 */
@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
class EmbedOperatorTest {
  private static final Map<String, String> CONFIG =
      Map.of("embed.batch", "3", "embed.linger", "20 ms");

  /** Static, because operators are serialised. */
  private static final AtomicInteger LOADED = new AtomicInteger();

  private static final List<List<String>> BATCHES = new ArrayList<>();

  @BeforeEach
  void reset() {
    LOADED.set(0);
    BATCHES.clear();
  }

  @Test
  void vectorsAndDeletionsPassAndTheModelIsNotLoaded() throws Exception {
    try (var harness = open(CONFIG, null)) {
      send(harness, vector("a", 1), deletion("a"));
      assertThat(told(harness)).containsExactly("a=[1.0]", "a=deleted");
      assertThat(harness.extractOutputValues()).extracting(e -> e.time).containsExactly(7L, 7L);
      assertThat(harness.numKeyedStateEntries()).isZero();
      assertThat(LOADED).hasValue(0);
    }
  }

  @Test
  void theTimeOfTheKafkaRecordGoesOn() throws Exception {
    try (var harness = open(CONFIG, null)) {
      harness.processElement(new StreamRecord<>(text("a", "x"), 101));
      harness.processElement(new StreamRecord<>(vector("b", 1), 102));
      harness.processElement(new StreamRecord<>(deletion("a"), 103));
      harness.setProcessingTime(1000);
      harness.processElement(new StreamRecord<>(text("c", "x"), 104));
      harness.setProcessingTime(2000);
      harness.processElement(new StreamRecord<>(text("c", "x"), 105));
      assertThat(harness.getOutput())
          .extracting(r -> ((StreamRecord<?>) r).getTimestamp())
          .containsExactly(102L, 101L, 103L, 104L, 105L);
    }
  }

  @Test
  void textsAreEmbeddedWhenTheBatchIsFull() throws Exception {
    try (var harness = open(CONFIG, null)) {
      send(harness, text("a", "x"), text("b", "yy"));
      assertThat(told(harness)).isEmpty();
      send(harness, text("c", "x"));
      assertThat(told(harness)).containsExactly("a=[1.0]", "b=[2.0]", "c=[1.0]");
      assertThat(BATCHES).containsExactly(List.of("x", "yy"));
      assertThat(LOADED).hasValue(1);
    }
  }

  @Test
  void textsAreEmbeddedWhenTheyHaveLingered() throws Exception {
    try (var harness = open(CONFIG, null)) {
      harness.setProcessingTime(100);
      send(harness, text("a", "x"));
      harness.setProcessingTime(119);
      assertThat(told(harness)).isEmpty();
      harness.setProcessingTime(120);
      assertThat(told(harness)).containsExactly("a=[1.0]");
      send(harness, text("b", "yy"));
      harness.setProcessingTime(140);
      assertThat(told(harness)).containsExactly("a=[1.0]", "b=[2.0]");
    }
  }

  @Test
  void nothingOvertakesAWaitingTextOfItsItem() throws Exception {
    try (var harness = open(CONFIG, null)) {
      send(
          harness, text("a", "x"), vector("a", 5), deletion("a"), vector("b", 6), text("a", "yyy"));
      assertThat(told(harness)).containsExactly("b=[6.0]");
      harness.setProcessingTime(1000);
      assertThat(told(harness))
          .containsExactly("b=[6.0]", "a=[1.0]", "a=[5.0]", "a=deleted", "a=[3.0]");
    }
  }

  @Test
  void unchangedTextIsNotEmbeddedAgain() throws Exception {
    try (var harness = open(CONFIG, null)) {
      send(harness, text("a", "x"));
      harness.setProcessingTime(1000);
      send(harness, text("a", "x"));
      assertThat(told(harness)).containsExactly("a=[1.0]", "a=[1.0]");
      assertThat(BATCHES).hasSize(1);
    }
  }

  @Test
  void stateForgetsTheTextOfADeletedItem() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = open(CONFIG, null)) {
      send(harness, text("a", "x"));
      harness.setProcessingTime(1000);
      send(harness, deletion("a"));
      assertThat(harness.numKeyedStateEntries()).isZero();
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = open(CONFIG, snapshot)) {
      send(harness, text("a", "x"));
      harness.setProcessingTime(2000);
      assertThat(BATCHES).hasSize(2);
    }
  }

  @Test
  void aTextThatAnotherItemHadLatelyIsNotEmbeddedAgain() throws Exception {
    try (var harness = open(CONFIG, null)) {
      send(harness, text("a", "x"));
      harness.setProcessingTime(1000);
      send(harness, text("b", "x"), text("c", "yy"));
      harness.setProcessingTime(2000);
      assertThat(told(harness)).containsExactly("a=[1.0]", "b=[1.0]", "c=[2.0]");
      assertThat(BATCHES).containsExactly(List.of("x"), List.of("yy"));
      send(harness, text("d", "x"));
      harness.setProcessingTime(3000);
      assertThat(BATCHES).as("a batch of known texts only").hasSize(2);
      for (int i = 0; i < 1025; i++) {
        send(harness, text("e" + i, "other " + i));
      }
      send(harness, text("f", "x"));
      harness.setProcessingTime(4000);
      assertThat(BATCHES.get(BATCHES.size() - 1)).as("long ago").contains("x");
    }
  }

  @Test
  void nothingWaitsAcrossABarrierAndRestoredStateKnowsTheTexts() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = open(CONFIG, null)) {
      send(harness, text("a", "x"), vector("a", 5));
      harness.prepareSnapshotPreBarrier(1);
      assertThat(told(harness)).containsExactly("a=[1.0]", "a=[5.0]");
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = open(CONFIG, snapshot)) {
      send(harness, text("a", "x"));
      assertThat(told(harness)).containsExactly("a=[1.0]");
      assertThat(BATCHES).hasSize(1);
    }
  }

  @Test
  void anotherModelEmbedsAgain() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = open(CONFIG, null)) {
      send(harness, text("a", "x"));
      harness.prepareSnapshotPreBarrier(1);
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = open(Map.of("embed.model", "minilm-quantized"), snapshot)) {
      send(harness, text("a", "x"));
      assertThat(told(harness)).isEmpty();
      harness.setProcessingTime(1000);
      assertThat(BATCHES).hasSize(2);
    }
  }

  @Test
  void nothingWaitsBehindTheEndOfInput() throws Exception {
    try (var harness = open(CONFIG, null)) {
      send(harness, text("a", "x"));
      harness.getOneInputOperator().finish();
      assertThat(told(harness)).containsExactly("a=[1.0]");
    }
  }

  /**
   * Random items, flushes, barriers and restarts: what comes out of an item is what came in, in
   * order.
   */
  @Test
  void everyItemKeepsItsOrder() throws Exception {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      Map<String, List<String>> expected = new HashMap<>();
      Map<String, List<String>> seen = new HashMap<>();
      OperatorSubtaskState snapshot = null;
      for (int life = 0; life < 3; life++) {
        try (var harness = open(CONFIG, snapshot)) {
          for (int i = 0; i < 200; i++) {
            String item = "i" + random.nextInt(6);
            int size = 1 + random.nextInt(5);
            switch (random.nextInt(5)) {
              case 0 -> {
                send(harness, vector(item, size));
                expect(expected, item, "[" + size + ".0]");
              }
              case 1 -> {
                send(harness, deletion(item));
                expect(expected, item, "deleted");
              }
              case 2 -> harness.setProcessingTime(harness.getProcessingTime() + random.nextInt(30));
              default -> {
                send(harness, text(item, "x".repeat(size)));
                expect(expected, item, "[" + size + ".0]");
              }
            }
          }
          harness.prepareSnapshotPreBarrier(life);
          snapshot = harness.snapshot(life, life);
          for (String told : told(harness)) {
            expect(
                seen, told.substring(0, told.indexOf('=')), told.substring(told.indexOf('=') + 1));
          }
        }
      }
      assertThat(seen).isEqualTo(expected);
    }
  }

  @Test
  void stateLivesInRocksDbAndMovesWithItsKeysWhenTheParallelismGrows() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness(CONFIG, 1, 0)) {
      harness.setStateBackend(new EmbeddedRocksDBStateBackend(true));
      harness.open();
      for (int i = 0; i < 20; i++) {
        send(harness, text("i" + i, "x" + i));
      }
      harness.prepareSnapshotPreBarrier(1);
      snapshot = harness.snapshot(1, 1);
    }
    int batches = BATCHES.size();
    int known = 0;
    for (int subtask = 0; subtask < 2; subtask++) {
      try (var harness = harness(CONFIG, 2, subtask)) {
        harness.setStateBackend(new EmbeddedRocksDBStateBackend(true));
        harness.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                snapshot, 128, 1, 2, subtask));
        harness.open();
        for (int i = 0; i < 20; i++) {
          if (KeyGroupRangeAssignment.assignKeyToParallelOperator("i" + i, 128, 2) == subtask) {
            send(harness, text("i" + i, "x" + i));
          }
        }
        known += told(harness).size();
      }
    }
    assertThat(known).isEqualTo(20);
    assertThat(BATCHES).hasSize(batches);
  }

  private static void expect(Map<String, List<String>> into, String item, String what) {
    into.computeIfAbsent(item, k -> new ArrayList<>()).add(what);
  }

  private static List<String> told(
      KeyedOneInputStreamOperatorTestHarness<String, Item, EmbeddedItem> harness) {
    return harness.extractOutputValues().stream()
        .map(e -> e.item + "=" + (e.deleted ? "deleted" : Arrays.toString(e.vector)))
        .toList();
  }

  private static Item text(String item, String text) {
    Item event = item(item);
    event.text = text;
    return event;
  }

  private static Item vector(String item, float value) {
    Item event = item(item);
    event.vector = new float[] {value};
    return event;
  }

  private static Item deletion(String item) {
    Item event = item(item);
    event.deleted = true;
    return event;
  }

  private static Item item(String item) {
    Item event = new Item();
    event.item = item;
    event.time = 7;
    return event;
  }

  private static void send(
      KeyedOneInputStreamOperatorTestHarness<String, Item, EmbeddedItem> harness, Item... items)
      throws Exception {
    for (Item item : items) {
      harness.processElement(new StreamRecord<>(item));
    }
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Item, EmbeddedItem> open(
      Map<String, String> config, OperatorSubtaskState snapshot) throws Exception {
    var harness = harness(config, 1, 0);
    if (snapshot != null) {
      harness.initializeState(snapshot);
    }
    harness.open();
    return harness;
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Item, EmbeddedItem> harness(
      Map<String, String> config, int parallelism, int subtask) throws Exception {
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new EmbedOperator(JobConfig.of(config), c -> new LengthEmbedder()),
        item -> item.item,
        Types.STRING,
        128,
        parallelism,
        subtask);
  }

  /** The vector of a text is its length. */
  private static final class LengthEmbedder implements TextEmbedder {
    LengthEmbedder() {
      LOADED.incrementAndGet();
    }

    @Override
    public float[][] embed(List<String> texts) {
      BATCHES.add(List.copyOf(texts));
      return texts.stream().map(t -> new float[] {t.length()}).toArray(float[][]::new);
    }

    @Override
    public void close() {}
  }
}
