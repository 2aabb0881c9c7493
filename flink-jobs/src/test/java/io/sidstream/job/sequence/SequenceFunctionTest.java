package io.sidstream.job.sequence;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.SequencedEvent;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
  private static final Map<String, String> TWO = Map.of("recommender.max-length", "1");

  private int eventNumber;

  @Test
  void everyAcceptedEventGoesOnOnceInOrderOfArrival() throws Exception {
    try (var harness = open(TWO, null)) {
      send(harness, event("a", 10), event("b", 20), event("c", 20));
      List<SequencedEvent> events = harness.extractOutputValues();
      assertThat(events).extracting(e -> e.item).containsExactly("a", "b", "c");
      assertThat(events).extracting(e -> e.order).containsExactly(0L, 1L, 2L);
      assertThat(events).extracting(e -> e.time).containsExactly(10L, 20L, 20L);
      assertThat(events).allMatch(e -> e.user.equals("u") && e.placed);
    }
  }

  @Test
  void duplicatesAreDroppedEvenAfterTheirEventLeftTheSequence() throws Exception {
    try (var harness = open(TWO, null)) {
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
  void eventsWithoutPlaceAreCountedOnly() throws Exception {
    try (var harness = open(TWO, null)) {
      Interaction weightless = event("w", 15);
      weightless.weight = 0;
      send(harness, weightless, event("a", 10), event("b", 20), event("tooLate", 1));
      assertThat(harness.extractOutputValues())
          .extracting(e -> e.placed)
          .containsExactly(false, true, true, false);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void goesOnAfterRestore(boolean rocksDb) throws Exception {
    Interaction first = event("a", 10);
    OperatorSubtaskState snapshot;
    try (var harness = open(Map.of(), null, rocksDb)) {
      send(harness, first, event("b", 20));
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = open(Map.of(), snapshot, rocksDb)) {
      send(harness, first, event("c", 30));
      assertThat(harness.extractOutputValues()).extracting(e -> e.order).containsExactly(2L);
    }
  }

  @Test
  void usersWithoutEventsAreForgotten() throws Exception {
    try (var harness = open(Map.of("sequence.retention", "1 h"), null)) {
      Interaction first = event("a", 10);
      send(harness, first);
      harness.setStateTtlProcessingTime(Duration.ofHours(2).toMillis());
      send(harness, first);
      assertThat(harness.extractOutputValues()).extracting(e -> e.order).containsExactly(0L, 0L);
    }
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
      KeyedOneInputStreamOperatorTestHarness<String, Interaction, SequencedEvent> harness,
      Interaction... events)
      throws Exception {
    for (Interaction event : events) {
      harness.processElement(new StreamRecord<>(event));
    }
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Interaction, SequencedEvent> open(
      Map<String, String> config, OperatorSubtaskState snapshot) throws Exception {
    return open(config, snapshot, false);
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Interaction, SequencedEvent> open(
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
