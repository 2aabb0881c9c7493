package io.sidstream.job.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.ingest.DeadLetterRecord;
import io.sidstream.job.ingest.RawRecord;
import io.sidstream.job.kafka.OutRecord;
import io.sidstream.job.kafka.Records;
import io.sidstream.job.sequence.TrainingWindow;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.runtime.state.memory.MemCheckpointStreamFactory;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFinalizer;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.ProcessFunctionTestHarnesses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
class TrainOperatorTest {
  private static final int DIM = LearnerTest.DIM;

  private final WireFormat wire = new WireFormat();

  private static JobConfig config(Map<String, String> more) {
    Map<String, String> values = new HashMap<>();
    values.put("content.dim", Integer.toString(DIM));
    values.put("encoder.hidden", "16");
    values.put("quantizer.dim", "8");
    values.put("quantizer.codebook-size", "8");
    values.put("id.dim", "4");
    values.put("recommender.batch", "16");
    values.put("recommender.negatives", "32");
    values.put("bootstrap.items", "40");
    values.put("bootstrap.interactions", "100");
    values.put("bootstrap.steps", "10");
    values.put("train.round-interactions", "50");
    values.put("train.round-steps", "5");
    values.put("quantizer.round-every", "2");
    values.put("quantizer.steps", "5");
    values.put("quantizer.churn-budget", "1");
    values.put("gate.enabled", "false");
    values.putAll(more);
    return JobConfig.of(values);
  }

  private static KeyedOneInputStreamOperatorTestHarness<Integer, TrainEvent, TokenizerUpdate>
      harness(JobConfig config) throws Exception {
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new TrainOperator(config), TrainEvent::shard, Types.INT, 8, 1, 0);
  }

  private static TrainEvent item(int i) {
    return TrainEvent.of(LearnerTest.item(i));
  }

  private static void assertSameButForTime(
      List<VersionRecord> records, List<VersionRecord> expected) {
    assertThat(records)
        .usingRecursiveFieldByFieldElementComparatorIgnoringFields("time")
        .isEqualTo(expected);
  }

  /** Windows of events 0..n-1: user u = event mod 20, items drawn from the user's taste. */
  private static List<TrainEvent> windows(int n) {
    Random random = new Random(5);
    Map<Integer, List<String>> histories = new HashMap<>();
    List<TrainEvent> events = new ArrayList<>();
    for (int e = 0; e < n; e++) {
      int user = e % 20;
      List<String> history = histories.computeIfAbsent(user, u -> new ArrayList<>());
      history.add("item-" + (user % 4 * 12 + random.nextInt(12)));
      List<String> newest = history.subList(Math.max(0, history.size() - 51), history.size());
      TrainingWindow window = new TrainingWindow();
      window.user = "user-" + user;
      window.items = newest.toArray(String[]::new);
      window.times = new long[newest.size()];
      Arrays.fill(window.times, 2_000);
      window.fresh = 1;
      window.events = 1;
      events.add(TrainEvent.of(window));
    }
    return events;
  }

  private static void send(
      KeyedOneInputStreamOperatorTestHarness<Integer, TrainEvent, TokenizerUpdate> harness,
      List<TrainEvent> events)
      throws Exception {
    for (TrainEvent event : events) {
      harness.processElement(new StreamRecord<>(event));
    }
  }

  private static void turns(
      KeyedOneInputStreamOperatorTestHarness<Integer, TrainEvent, TokenizerUpdate> harness,
      int seconds)
      throws Exception {
    for (int i = 0; i < seconds * 10; i++) {
      harness.setProcessingTime(harness.getProcessingTime() + 100);
    }
  }

  private List<VersionRecord> versions(
      KeyedOneInputStreamOperatorTestHarness<Integer, TrainEvent, TokenizerUpdate> harness) {
    List<VersionRecord> records = new ArrayList<>();
    var out = harness.getSideOutput(TrainOperator.VERSIONS);
    if (out != null) {
      for (StreamRecord<OutRecord> record : out) {
        records.add(wire.decode(record.getValue().value, VersionRecord.class));
      }
    }
    return records;
  }

  private static List<TrainEvent> items(int n) {
    List<TrainEvent> items = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      items.add(item(i));
    }
    return items;
  }

  private static TrainEvent control(ControlAction action, String reason) {
    TrainEvent event = new TrainEvent();
    event.control = new Control();
    event.control.action = action;
    event.control.reason = reason;
    event.control.author = "ada";
    return event;
  }

  private static TrainEvent committed(int version) {
    TrainEvent event = new TrainEvent();
    event.committed = version;
    return event;
  }

  @Test
  void bootstrapsThenLearnsInRoundsAndRefinesTheQuantizerOnTheSlowClock() throws Exception {
    try (var harness = harness(config(Map.of()))) {
      harness.open();
      harness.setProcessingTime(10_000);
      send(harness, items(48));
      send(harness, windows(100));
      turns(harness, 20);
      assertThat(versions(harness))
          .extracting(VersionRecord::getState)
          .containsExactly(VersionState.BEGIN, VersionState.REVISION);
      assertThat(harness.extractOutputValues()).hasSize(1);
      TokenizerUpdate update = harness.extractOutputValues().get(0);
      assertThat(update.version).isEqualTo(1);
      assertThat(TokenizerModel.fromBytes(update.tokenizer).digest())
          .isEqualTo(versions(harness).get(0).getModelDigest());
      send(harness, List.of(committed(1)));
      send(harness, windows(300).subList(100, 300));
      turns(harness, 60);
      List<VersionRecord> all = versions(harness);
      assertThat(all)
          .filteredOn(r -> r.getState() == VersionState.REVISION)
          .extracting(VersionRecord::getInteractions)
          .containsExactly(100L, 150L, 200L, 250L, 300L);
      assertThat(all)
          .filteredOn(r -> r.getState() == VersionState.BEGIN)
          .extracting(VersionRecord::getVersion)
          .as("version 3 waits for the commit of version 2")
          .containsExactly(1, 2);
      assertThat(all.get(0).getQuality().getReseededItems())
          .as("no item is old at the bootstrap")
          .containsExactly(0L, 0L, 0L);
      assertThat(all)
          .filteredOn(r -> r.getState() == VersionState.BEGIN && r.getVersion() == 2)
          .singleElement()
          .satisfies(
              r -> {
                assertThat(r.getQuality().getReseeded()).hasSize(3);
                assertThat(r.getQuality().getReseededItems())
                    .hasSize(3)
                    .allSatisfy(n -> assertThat(n).isBetween(0L, 48L));
              });
      VersionRecord round = all.get(all.size() - 1);
      assertThat(round.getPrequential().getEvents()).isPositive();
      assertThat(round.getLoss()).isPositive();
      assertThat(harness.getSideOutput(TrainOperator.MODELS))
          .allSatisfy(
              r ->
                  assertThat(wire.decode(r.getValue().value, ModelPart.class).getVersion())
                      .isBetween(1, 2));
      assertThat(harness.getSideOutput(TrainOperator.ID_EMBEDDINGS))
          .isNotEmpty()
          .allSatisfy(
              r ->
                  assertThat(wire.decode(r.getValue().value, IdEmbedding.class).getE()).hasSize(4));
    }
  }

  /** A version for every 100 events, each committed before the next. */
  @Test
  void partsOfVersionsThatNobodyGoesBackToAreRemoved() throws Exception {
    JobConfig config = config(Map.of());
    List<TrainEvent> windows = windows(600);
    OperatorSubtaskState state;
    long now;
    try (var harness = harness(config)) {
      harness.open();
      harness.setProcessingTime(10_000);
      send(harness, items(48));
      for (int version = 1; version <= 5; version++) {
        send(harness, windows.subList(100 * version - 100, 100 * version));
        turns(harness, 30);
        send(harness, List.of(committed(version)));
      }
      now = harness.getProcessingTime();
      harness.prepareSnapshotPreBarrier(1);
      state = harness.snapshot(1, 1);
      // When 4 begins, 3 and 2 are what readers have and may go back to; when 5 begins, 4 and 3.
      assertThat(modelKeys(harness))
          .containsSubsequence("3/ENCODER/0", "4/ENCODER/0", "1/ENCODER/0 removed")
          .containsSubsequence("4/RECOMMENDER/0", "5/ENCODER/0", "2/ENCODER/0 removed")
          .filteredOn(key -> key.endsWith("removed"))
          .containsExactly(
              "1/ENCODER/0 removed",
              "1/RECOMMENDER/0 removed",
              "2/ENCODER/0 removed",
              "2/RECOMMENDER/0 removed");
    }
    try (var harness = harness(config)) {
      harness.initializeState(state);
      harness.open();
      harness.setProcessingTime(now);
      send(harness, windows.subList(500, 600));
      turns(harness, 30);
      // Once more after a restart, and none of the versions that may be asked for.
      assertThat(modelKeys(harness))
          .contains("6/ENCODER/0", "6/CODEBOOKS/0")
          .filteredOn(key -> key.contains("ENCODER") && key.endsWith("removed"))
          .containsExactly("1/ENCODER/0 removed", "2/ENCODER/0 removed", "3/ENCODER/0 removed");
    }
  }

  private static List<String> modelKeys(
      KeyedOneInputStreamOperatorTestHarness<Integer, TrainEvent, TokenizerUpdate> harness) {
    return harness.getSideOutput(TrainOperator.MODELS).stream()
        .map(StreamRecord::getValue)
        .map(r -> new String(r.key, StandardCharsets.UTF_8) + (r.value == null ? " removed" : ""))
        .toList();
  }

  /** One candidate for every 100 events; whatever was said before it survives a restart. */
  @Test
  void aPersonHoldsForcesAndReleasesTheGate() throws Exception {
    // No candidate passes by itself.
    JobConfig config = config(Map.of("gate.enabled", "true", "gate.min-unique", "1"));
    List<List<TrainEvent>> said =
        List.of(
            List.of(),
            List.of(control(ControlAction.FORCE, "known to be good")),
            List.of(),
            List.of(control(ControlAction.HOLD, "sale")),
            List.of(control(ControlAction.FORCE, "")),
            List.of(control(ControlAction.FORCE, "late"), control(ControlAction.HOLD, "peak")),
            List.of(control(ControlAction.RELEASE, "")));
    List<String> candidates = new ArrayList<>();
    List<TrainEvent> windows = windows(100 + 100 * said.size());
    OperatorSubtaskState state = null;
    long now = 10_000;
    int begun = 1;
    for (int part = -1; part < said.size(); part++) {
      // Said in one life, and kept to in the next.
      for (boolean talk : new boolean[] {true, false}) {
        try (var harness = harness(config)) {
          harness.setup();
          if (state != null) {
            harness.initializeState(state);
          }
          harness.open();
          harness.setProcessingTime(now);
          if (part < 0 && talk) {
            send(harness, items(48));
            send(harness, windows.subList(0, 100));
            turns(harness, 20);
          } else if (part >= 0 && talk) {
            send(harness, said.get(part));
          } else if (part >= 0) {
            send(harness, List.of(committed(begun)));
            send(harness, windows.subList(100 + 100 * part, 200 + 100 * part));
            turns(harness, 30);
          }
          for (VersionRecord record : versions(harness)) {
            if (record.getState() != VersionState.REVISION && part >= 0) {
              candidates.add(record.getState() + " " + record.getReason());
              begun += record.getState() == VersionState.BEGIN ? 1 : 0;
            }
          }
          now = harness.getProcessingTime();
          harness.prepareSnapshotPreBarrier(part + 1);
          state = harness.snapshot(part + 1, part + 1);
        }
      }
    }
    assertThat(candidates).hasSize(7);
    assertThat(candidates.get(0)).startsWith("HELD unique tuples are");
    assertThat(candidates.get(1))
        .startsWith(
            "BEGIN forced by control message: known to be good (ada); without it: unique tuples are");
    assertThat(candidates.get(2)).startsWith("HELD unique tuples are");
    assertThat(candidates.get(3)).isEqualTo("HELD held by control message: sale (ada)");
    assertThat(candidates.get(4))
        .isEqualTo(
            "BEGIN forced by control message (ada); without it: held by control message: sale (ada)");
    assertThat(candidates.get(5)).isEqualTo("HELD held by control message: peak (ada)");
    assertThat(candidates.get(6)).startsWith("HELD unique tuples are");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "id.learning-rate=1e-9",
        "id.dropout=0.99",
        "quantizer.learning-rate=1e-9",
        "quantizer.decay=1e-9",
        "quantizer.decay=0.999999",
        "quantizer.straight-through=single",
        "recommender.learning-rate=1e-9",
        "recommender.dropout=0.99",
        "recommender.semantic-dropout=0.99",
        "recommender.semantic-share=0",
        "recommender.semantic-share=0.99",
        "recommender.log-q=1",
      })
  void whatTheConfigurationAllowsTheModelTakes(String setting) throws Exception {
    String[] pair = setting.split("=");
    try (var harness = harness(config(Map.of(pair[0], pair[1])))) {
      harness.open();
      send(harness, items(48));
      send(harness, windows(100));
      turns(harness, 20);
      assertThat(versions(harness)).isNotEmpty();
    }
  }

  @Test
  void aModelOfAnotherShapeIsRefusedForGood() throws Exception {
    OperatorSubtaskState state;
    try (var harness = harness(config(Map.of()))) {
      harness.open();
      send(harness, items(48));
      harness.prepareSnapshotPreBarrier(1);
      state = harness.snapshot(1, 1);
    }
    try (var same = harness(config(Map.of("recommender.dropout", "0.1")))) {
      same.initializeState(state);
      same.open();
    }
    try (var other =
        harness(
            config(
                Map.of(
                    "id.dim",
                    "8",
                    "quantizer.levels",
                    "2",
                    "quantizer.metrics",
                    "cosine,euclidean")))) {
      assertThatThrownBy(() -> other.initializeState(state))
          .isInstanceOf(SuppressRestartsException.class)
          .cause()
          .hasMessageContaining(
              "has quantizer.levels=2, quantizer.metrics=[cosine, euclidean], id.dim=8,")
          .hasMessageContaining(
              "made with quantizer.levels=3, quantizer.metrics=[cosine, cosine, euclidean], id.dim=4,");
    }
  }

  /** Tokens that repeat hold no seat that one that is to be unique could be kept from. */
  @Test
  void tokensThatRepeatAreNotMadeUniqueOverStateNorTheReverse() throws Exception {
    for (String strategy : List.of("none", "nearest-free")) {
      OperatorSubtaskState state;
      try (var harness = harness(config(Map.of("resolve.strategy", strategy)))) {
        harness.open();
        send(harness, items(48));
        harness.prepareSnapshotPreBarrier(1);
        state = harness.snapshot(1, 1);
      }
      String other = strategy.equals("none") ? "suffix" : "none";
      try (var harness = harness(config(Map.of("resolve.strategy", other)))) {
        assertThatThrownBy(() -> harness.initializeState(state))
            .isInstanceOf(SuppressRestartsException.class)
            .cause()
            .hasMessageContaining(
                other.equals("none")
                    ? "the configuration has resolve.strategy=none, but the job's state was made with resolve.strategy=nearest-free or suffix, which is fixed once a job has state: set it so again"
                    : "the configuration has resolve.strategy=nearest-free or suffix, but the job's state was made with resolve.strategy=none, which is fixed");
      }
      if (!strategy.equals("none")) {
        try (var harness = harness(config(Map.of("resolve.strategy", "suffix")))) {
          harness.initializeState(state);
          harness.open();
        }
      }
    }
  }

  @Test
  void controlMessagesAreReadAndTheRestIsADeadLetter() throws Exception {
    try (var harness =
        ProcessFunctionTestHarnesses.forProcessFunction(new ControlMessages(config(Map.of())))) {
      ControlMessage message = new ControlMessage(ControlAction.HOLD, "sale", "ada", Instant.EPOCH);
      byte[] hold = wire.encode(message);
      message.setAction(ControlAction.UNKNOWN);
      for (byte[] value : new byte[][] {hold, null, {1, 2, 3}, wire.encode(message), new byte[0]}) {
        RawRecord record = new RawRecord();
        record.topic = "control";
        record.value = value;
        harness.processElement(record, 0);
      }
      assertThat(harness.extractOutputValues())
          .singleElement()
          .extracting(e -> e.control.action + " " + e.control.text())
          .isEqualTo("HOLD by control message: sale (ada)");
      assertThat(harness.getSideOutput(DeadLetterRecord.DEAD_LETTERS))
          .extracting(r -> r.getValue().code)
          .containsExactly("NULL_VALUE", "UNDECODABLE", "ACTION_UNKNOWN", "UNDECODABLE");
    }
  }

  @Test
  void aRestartInTheMiddleOfARoundGoesOnWithTheVeryNextStep() throws Exception {
    JobConfig config = config(Map.of());
    List<VersionRecord> straight;
    try (var harness = harness(config)) {
      harness.open();
      harness.setProcessingTime(10_000);
      send(harness, items(48));
      send(harness, windows(300));
      send(harness, List.of(committed(1)));
      turns(harness, 80);
      straight = versions(harness);
    }
    List<VersionRecord> interrupted = new ArrayList<>();
    OperatorSubtaskState state = null;
    int restarts = 0;
    for (int part = 0; part < 40; part++) {
      try (var harness = harness(config)) {
        harness.setup();
        if (state != null) {
          harness.initializeState(state);
          restarts++;
        }
        harness.open();
        harness.setProcessingTime(10_000 + part * 1_000);
        if (part == 0) {
          send(harness, items(48));
          send(harness, windows(300));
          send(harness, List.of(committed(1)));
        }
        // A few turns only, so that the cuts fall into every phase.
        for (int i = 0; i < (part < 39 ? 3 : 800); i++) {
          harness.setProcessingTime(harness.getProcessingTime() + 100);
        }
        harness.prepareSnapshotPreBarrier(part);
        state = harness.snapshot(part, part);
        interrupted.addAll(versions(harness));
      }
    }
    assertThat(restarts).isEqualTo(39);
    assertSameButForTime(interrupted, straight);
    assertThat(straight).hasSizeGreaterThan(5);
  }

  /** As by state.backend=hashmap, which writes state behind the barrier. */
  @Test
  void whatComesAfterABarrierIsNotInItsCheckpoint() throws Exception {
    JobConfig config = config(Map.of());
    List<List<VersionRecord>> lives = new ArrayList<>();
    for (boolean writtenLate : new boolean[] {false, true}) {
      OperatorSubtaskState state;
      try (var harness = harness(config)) {
        harness.setStateBackend(new HashMapStateBackend());
        harness.open();
        harness.setProcessingTime(10_000);
        send(harness, items(48));
        send(harness, windows(130));
        turns(harness, 20);
        harness.prepareSnapshotPreBarrier(1);
        var futures =
            harness
                .getOperator()
                .snapshotState(
                    1,
                    1,
                    CheckpointOptions.forCheckpointWithDefaultLocation(),
                    new MemCheckpointStreamFactory(1 << 24));
        if (writtenLate) {
          send(harness, windows(160).subList(130, 160));
          turns(harness, 5);
        }
        state = OperatorSnapshotFinalizer.create(futures).getJobManagerOwnedState();
      }
      try (var harness = harness(config)) {
        harness.initializeState(state);
        harness.open();
        harness.setProcessingTime(30_000);
        send(harness, windows(300).subList(130, 300));
        turns(harness, 60);
        lives.add(versions(harness));
      }
    }
    assertThat(lives.get(0)).hasSizeGreaterThan(3);
    assertSameButForTime(lives.get(1), lives.get(0));
  }

  /** The window has nothing fresh, so that the item has no row but for its name. */
  @Test
  void anItemThatALateEventNamesBeforeItArrivesIsTheSameAfterARestart() throws Exception {
    JobConfig config = config(Map.of());
    List<List<VersionRecord>> lives = new ArrayList<>();
    for (boolean restart : new boolean[] {false, true}) {
      List<VersionRecord> records = new ArrayList<>();
      TrainingWindow late = new TrainingWindow();
      late.user = "user-late";
      late.items = new String[] {"item-100", "item-1", "item-2", "item-3"};
      late.times = new long[] {2_000, 2_000, 2_000, 2_000};
      late.events = 1;
      List<TrainEvent> rest = new ArrayList<>();
      rest.add(item(101));
      rest.add(item(100));
      rest.addAll(windows(300).subList(100, 300));
      OperatorSubtaskState state;
      try (var harness = harness(config)) {
        harness.open();
        harness.setProcessingTime(10_000);
        send(harness, items(48));
        send(harness, List.of(TrainEvent.of(late)));
        send(harness, windows(100));
        turns(harness, 20);
        if (!restart) {
          send(harness, rest);
          turns(harness, 60);
        }
        records.addAll(versions(harness));
        harness.prepareSnapshotPreBarrier(1);
        state = harness.snapshot(1, 1);
      }
      if (restart) {
        try (var harness = harness(config)) {
          harness.initializeState(state);
          harness.open();
          harness.setProcessingTime(30_000);
          send(harness, rest);
          turns(harness, 60);
          records.addAll(versions(harness));
        }
      }
      lives.add(records);
    }
    assertThat(lives.get(0)).hasSizeGreaterThan(3);
    assertSameButForTime(lives.get(1), lives.get(0));
  }

  @Test
  void anInteractionWaitsForItsItem() throws Exception {
    try (var harness = harness(config(Map.of()))) {
      harness.open();
      harness.setProcessingTime(10_000);
      send(harness, items(44));
      send(harness, windows(150));
      turns(harness, 40);
      List<VersionRecord> before = versions(harness);
      assertThat(before.get(before.size() - 1).getWaitingInteractions()).isPositive();
      send(harness, List.of(item(44), item(45), item(46), item(47)));
      send(harness, windows(200).subList(150, 200));
      turns(harness, 40);
      List<VersionRecord> after = versions(harness);
      assertThat(after.get(after.size() - 1).getWaitingInteractions()).isZero();
      assertThat(after.get(after.size() - 1).getInteractions()).isEqualTo(200);
    }
  }

  @Test
  void aFewItemsWithoutInteractionsGetAModelWhenTheWaitIsOver() throws Exception {
    try (var harness = harness(config(Map.of("bootstrap.timeout", "10 s")))) {
      harness.open();
      harness.setProcessingTime(10_000);
      send(harness, items(3));
      turns(harness, 5);
      assertThat(harness.extractOutputValues()).isEmpty();
      turns(harness, 30);
      assertThat(harness.extractOutputValues()).hasSize(1);
    }
  }

  @Test
  void aBacklogBeyondTheBoundIsTakenInWithoutRounds() throws Exception {
    try (var harness = harness(config(Map.of("train.pending-max", "60")))) {
      harness.open();
      harness.setProcessingTime(10_000);
      send(harness, items(48));
      send(harness, windows(400));
      turns(harness, 60);
      List<VersionRecord> revisions = versions(harness);
      assertThat(revisions.get(revisions.size() - 1).getInteractions()).isEqualTo(400);
      assertThat(revisions)
          .filteredOn(r -> r.getState() == VersionState.REVISION)
          .as("of 6 rounds that 300 events would have begun")
          .hasSizeBetween(2, 4);
    }
  }

  @Test
  void recordsOfTheTrainerArePojos() {
    assertThat(Records.type(TrainProgress.class).getTypeClass()).isEqualTo(TrainProgress.class);
    assertThat(Records.type(TrainEvent.class).getTypeClass()).isEqualTo(TrainEvent.class);
  }

  @Test
  void aNewItemStartsFromItsPrefixWhereAskedAndIsPublished() throws Exception {
    Map<String, Set<String>> published = new HashMap<>();
    for (String start : List.of("zero", "prefix-mean")) {
      // So few negatives that the new item is not among them.
      Map<String, String> more =
          Map.of("id.start", start, "id.dropout", "0.2", "recommender.negatives", "1");
      try (var harness = harness(config(more))) {
        harness.open();
        for (int i = 0; i < 48; i++) {
          send(harness, List.of(item(i)));
        }
        send(harness, windows(200));
        turns(harness, 60);
        send(harness, List.of(item(1_000)));
        send(harness, windows(250).subList(200, 250));
        turns(harness, 60);
        Set<String> names = new HashSet<>();
        for (StreamRecord<OutRecord> record : harness.getSideOutput(TrainOperator.ID_EMBEDDINGS)) {
          if (record.getValue().value != null) {
            names.add(wire.decode(record.getValue().value, IdEmbedding.class).getItem().toString());
          }
        }
        published.put(start, names);
      }
    }
    assertThat(published.get("zero")).isNotEmpty().doesNotContain("item-1000");
    assertThat(published.get("prefix-mean")).contains("item-1000");
  }
}
