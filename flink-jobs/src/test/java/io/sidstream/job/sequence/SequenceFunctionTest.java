package io.sidstream.job.sequence;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.TrainingWindow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
class SequenceFunctionTest {
  private int eventNumber;

  @Test
  void windowHoldsTheNewestItemsInEventTimeTiesInOrderOfArrival() throws Exception {
    try (var harness = open(Map.of("sequence.length", "4", "recommender.max-length", "3"), null)) {
      send(harness, event("a", 10), event("b", 20), event("c", 20), event("d", 5), event("e", 30));
      List<TrainingWindow> windows = harness.extractOutputValues();
      assertThat(windows).hasSize(5);
      assertWindow(windows.get(2), 1, 1, "a", "b", "c");
      // Late: in its place, not fresh.
      assertWindow(windows.get(3), 0, 1, "d", "a", "b", "c");
      assertWindow(windows.get(4), 1, 1, "a", "b", "c", "e");
      assertThat(windows.get(4).times).containsExactly(10, 20, 20, 30);
    }
  }

  @Test
  void eventsBehindWhichAllIsNewAreFresh() throws Exception {
    try (var harness = open(Map.of("sequence.min-fresh", "3"), null)) {
      send(harness, event("a", 10), event("b", 20), event("c", 30));
      send(harness, event("e", 50), event("d", 40), event("late", 15));
      List<TrainingWindow> windows = harness.extractOutputValues();
      assertThat(windows).hasSize(2);
      assertWindow(windows.get(0), 3, 3, "a", "b", "c");
      assertWindow(windows.get(1), 2, 3, "a", "late", "b", "c", "d", "e");
    }
  }

  @Test
  void duplicatesAreDroppedEvenAfterTheirEventLeftTheWindow() throws Exception {
    try (var harness = open(Map.of("sequence.length", "2", "recommender.max-length", "1"), null)) {
      Interaction first = event("a", 10);
      send(harness, first, event("b", 20), event("c", 30), first);
      assertThat(harness.extractOutputValues()).hasSize(3);
      for (int i = 0; i < SequenceFunction.RECENT; i++) {
        send(harness, event("x", 100 + i));
      }
      int before = harness.extractOutputValues().size();
      first.time = 1000;
      send(harness, first);
      assertThat(harness.extractOutputValues()).as("no longer remembered").hasSize(before + 1);
    }
  }

  @Test
  void eventsWithoutPlaceAreCountedWithTheNextWindow() throws Exception {
    try (var harness = open(Map.of("sequence.length", "2", "recommender.max-length", "1"), null)) {
      Interaction weightless = event("w", 15);
      weightless.weight = 0;
      send(harness, weightless);
      harness.setProcessingTime(60_000);
      assertThat(harness.extractOutputValues()).as("no item yet").isEmpty();
      send(harness, event("a", 10), event("b", 20), event("tooLate", 1), event("c", 30));
      List<TrainingWindow> windows = harness.extractOutputValues();
      assertThat(windows).hasSize(3);
      assertWindow(windows.get(0), 1, 2, "a");
      assertWindow(windows.get(2), 1, 2, "b", "c");
    }
  }

  @Test
  void remainderIsFlushedByProcessingTimeOnce() throws Exception {
    try (var harness = open(Map.of("sequence.min-fresh", "3", "sequence.flush", "5 s"), null)) {
      harness.setProcessingTime(1000);
      send(harness, event("a", 10), event("b", 20));
      harness.setProcessingTime(5999);
      assertThat(harness.extractOutputValues()).isEmpty();
      harness.setProcessingTime(6000);
      assertThat(harness.extractOutputValues()).hasSize(1);
      assertWindow(harness.extractOutputValues().get(0), 2, 2, "a", "b");
      harness.setProcessingTime(60_000);
      assertThat(harness.extractOutputValues()).hasSize(1);
      assertThat(harness.numProcessingTimeTimers()).isZero();
    }
  }

  @Test
  void windowSentInTimeTakesItsTimerAway() throws Exception {
    try (var harness = open(Map.of("sequence.min-fresh", "2"), null)) {
      send(harness, event("a", 10), event("b", 20));
      assertThat(harness.numProcessingTimeTimers()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void goesOnAfterRestore(boolean rocksDb) throws Exception {
    Map<String, String> config = Map.of("sequence.min-fresh", "3", "sequence.flush", "5 s");
    Interaction first = event("a", 10);
    OperatorSubtaskState snapshot;
    try (var harness = open(config, null, rocksDb)) {
      send(harness, first, event("b", 20));
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = open(config, snapshot, rocksDb)) {
      send(harness, first);
      harness.setProcessingTime(5000);
      assertWindow(harness.extractOutputValues().get(0), 2, 2, "a", "b");
    }
  }

  @Test
  void aHistoryThatIsLongerThanTheWindowIsCut() throws Exception {
    Map<String, String> five =
        Map.of(
            "sequence.length",
            "5",
            "recommender.max-length",
            "1",
            "sequence.min-fresh",
            "5",
            "sequence.flush",
            "5 s");
    Map<String, String> two =
        Map.of("sequence.length", "2", "recommender.max-length", "1", "sequence.flush", "5 s");
    OperatorSubtaskState snapshot;
    try (var harness = open(five, null)) {
      send(harness, event("a", 10), event("b", 20), event("c", 30), event("d", 40));
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = open(two, snapshot)) {
      harness.setProcessingTime(5000);
      assertWindow(harness.extractOutputValues().get(0), 2, 4, "c", "d");
    }
    try (var harness = open(two, snapshot)) {
      send(harness, event("e", 50), event("tooLate", 5), event("f", 60));
      List<TrainingWindow> windows = harness.extractOutputValues();
      assertWindow(windows.get(0), 2, 5, "d", "e");
      assertWindow(windows.get(1), 1, 2, "e", "f");
    }
  }

  @Test
  void usersWithoutEventsAreForgotten() throws Exception {
    try (var harness = open(Map.of("sequence.retention", "1 h"), null)) {
      send(harness, event("a", 10));
      harness.setStateTtlProcessingTime(Duration.ofHours(2).toMillis());
      send(harness, event("b", 20));
      assertWindow(harness.extractOutputValues().get(1), 1, 1, "b");
    }
  }

  /** Random histories against a list that is sorted anew each time. */
  @Test
  void agreesWithSorting() throws Exception {
    for (int seed = 0; seed < 30; seed++) {
      Random random = new Random(seed);
      int length = 2 + random.nextInt(6);
      Map<String, String> config =
          Map.of(
              "sequence.length", String.valueOf(length),
              "recommender.max-length", "1",
              "sequence.min-fresh", String.valueOf(1 + random.nextInt(2)));
      List<Interaction> all = new ArrayList<>();
      try (var harness = open(config, null)) {
        int events = 0;
        for (int i = 0; i < 60; i++) {
          Interaction event = event("i" + i, random.nextInt(20));
          event.weight = random.nextInt(5);
          send(harness, event);
          if (event.weight > 0) {
            int at = all.size();
            while (at > 0 && all.get(at - 1).time > event.time) {
              at--;
            }
            all.add(at, event);
            if (all.size() > length) {
              all.remove(0);
            }
          }
          List<TrainingWindow> out = harness.extractOutputValues();
          if (out.size() > events) {
            TrainingWindow window = out.get(out.size() - 1);
            assertThat(window.items)
                .containsExactly(all.stream().map(e -> e.item).toArray(String[]::new));
            assertThat(window.fresh).isBetween(0, window.items.length);
            events = out.size();
          }
        }
        harness.setProcessingTime(1_000_000);
        Set<String> seen = new HashSet<>();
        harness.extractOutputValues().forEach(w -> seen.addAll(List.of(w.items)));
        assertThat(harness.extractOutputValues().stream().mapToInt(w -> w.events).sum())
            .isEqualTo(60);
        assertThat(seen).isNotEmpty();
      }
    }
  }

  private static void assertWindow(TrainingWindow window, int fresh, int events, String... items) {
    assertThat(window.user).isEqualTo("u");
    assertThat(window.items).containsExactly(items);
    assertThat(window.fresh).as("fresh").isEqualTo(fresh);
    assertThat(window.events).as("events").isEqualTo(events);
  }

  private Interaction event(String item, long time) {
    Interaction event = new Interaction();
    event.eventId = "e" + eventNumber++;
    event.user = "u";
    event.item = item;
    event.weight = 1;
    event.time = time;
    return event;
  }

  private static void send(
      KeyedOneInputStreamOperatorTestHarness<String, Interaction, TrainingWindow> harness,
      Interaction... events)
      throws Exception {
    for (Interaction event : events) {
      harness.processElement(new StreamRecord<>(event));
    }
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Interaction, TrainingWindow> open(
      Map<String, String> config, OperatorSubtaskState snapshot) throws Exception {
    return open(config, snapshot, false);
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Interaction, TrainingWindow> open(
      Map<String, String> config, OperatorSubtaskState snapshot, boolean rocksDb) throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new KeyedProcessOperator<>(new SequenceFunction(JobConfig.of(config))),
            e -> e.user,
            Types.STRING);
    if (rocksDb) {
      harness.setStateBackend(new EmbeddedRocksDBStateBackend(true));
    }
    harness.setup();
    if (snapshot != null) {
      harness.initializeState(snapshot);
    }
    harness.open();
    return harness;
  }
}
