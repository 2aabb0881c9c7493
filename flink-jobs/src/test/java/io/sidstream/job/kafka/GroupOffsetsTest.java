package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.RawRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GroupOffsetsTest {
  /** What was committed, by partition, in the order of the commits. */
  private static final List<Map<Integer, Long>> SAID = new ArrayList<>();

  private static final List<CompletableFuture<Void>> ANSWERS = new ArrayList<>();

  /** What the group has. */
  private static final Map<Integer, Long> GROUP = new ConcurrentHashMap<>();

  /** Reasons for which everything was to be written again. */
  private static final List<String> ASKED = new CopyOnWriteArrayList<>();

  private static final JobConfig CONFIG = JobConfig.defaults();

  private OneInputStreamOperatorTestHarness<RawRecord, RawRecord> harness;

  @BeforeEach
  void begin() throws Exception {
    SAID.clear();
    ANSWERS.clear();
    GROUP.clear();
    ASKED.clear();
    open(null);
  }

  @AfterEach
  void end() throws Exception {
    harness.close();
  }

  private void open(OperatorSubtaskState from) throws Exception {
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new GroupOffsets(
                CONFIG,
                Topics.items(CONFIG),
                config -> new Recorded(),
                (config, reason) -> ASKED.add(reason)));
    harness.setup();
    if (from != null) {
      harness.initializeState(from);
    }
    harness.open();
  }

  private static final class Recorded implements GroupOffsets.Commits {
    @Override
    public CompletionStage<?> commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
      Map<Integer, Long> said = new TreeMap<>();
      offsets.forEach(
          (p, o) -> {
            assertThat(p.topic()).isEqualTo(Topics.items(CONFIG));
            said.put(p.partition(), o.offset());
          });
      SAID.add(said);
      ANSWERS.add(new CompletableFuture<>());
      return ANSWERS.get(ANSWERS.size() - 1);
    }

    @Override
    public CompletionStage<Map<Integer, Long>> committed(String topic) {
      return CompletableFuture.completedFuture(Map.copyOf(GROUP));
    }

    @Override
    public void close() {}
  }

  private void read(int partition, long offset) throws Exception {
    RawRecord record = new RawRecord();
    record.topic = "items";
    record.partition = partition;
    record.offset = offset;
    harness.processElement(record, 0);
  }

  private void complete(long checkpoint) throws Exception {
    harness.getOperator().notifyCheckpointComplete(checkpoint);
  }

  private static void answer(Throwable failure) {
    CompletableFuture<Void> of = ANSWERS.get(ANSWERS.size() - 1);
    if (failure == null) {
      of.complete(null);
    } else {
      of.completeExceptionally(failure);
    }
  }

  @Test
  void whatACompleteCheckpointHasReadIsCommitted() throws Exception {
    read(2, 4);
    read(0, 9);
    assertThat(harness.extractOutputValues()).hasSize(2);
    harness.snapshot(1, 1);
    read(0, 10);
    assertThat(SAID).isEmpty();
    complete(1);
    assertThat(SAID).containsExactly(Map.of(0, 10L, 2, 5L));
  }

  @Test
  void onlyWhatHasChangedIsSaidAgain() throws Exception {
    read(0, 9);
    read(1, 3);
    harness.snapshot(1, 1);
    complete(1);
    answer(null);
    harness.snapshot(2, 2);
    complete(2);
    assertThat(SAID).hasSize(1);
    read(1, 4);
    harness.snapshot(3, 3);
    complete(3);
    assertThat(SAID.subList(1, SAID.size())).containsExactly(Map.of(1, 5L));
  }

  @Test
  void aCommitWaitsForTheOneBeforeIt() throws Exception {
    read(0, 0);
    harness.snapshot(1, 1);
    complete(1);
    read(0, 1);
    harness.snapshot(2, 2);
    complete(2);
    assertThat(SAID).hasSize(1);
    answer(null);
    // Nothing has been read since; what was held back is said all the same.
    harness.snapshot(3, 3);
    complete(3);
    assertThat(SAID).containsExactly(Map.of(0, 1L), Map.of(0, 2L));
  }

  @Test
  void aCommitThatFailedIsSaidAgain() throws Exception {
    read(0, 0);
    harness.snapshot(1, 1);
    complete(1);
    answer(new IllegalStateException("no broker"));
    harness.snapshot(2, 2);
    complete(2);
    assertThat(SAID).containsExactly(Map.of(0, 1L), Map.of(0, 1L));
  }

  @Test
  void aCheckpointThatIsNotTheNextOneCountsForThoseBeforeIt() throws Exception {
    read(0, 0);
    harness.snapshot(1, 1);
    read(0, 1);
    harness.snapshot(2, 2);
    complete(2);
    answer(null);
    complete(1);
    assertThat(SAID).containsExactly(Map.of(0, 2L));
  }

  /** A run that is refused completes no checkpoint, and must leave the group as it is. */
  @Test
  void whatWasReadBeforeARestartIsSaidWithItsFirstCheckpoint() throws Exception {
    read(0, 0);
    read(3, 6);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    open(state);
    read(3, 7);
    harness.snapshot(2, 2);
    assertThat(SAID).isEmpty();
    complete(2);
    assertThat(SAID).containsExactly(Map.of(0, 1L, 3, 7L));
    answer(null);
    // Then what was read since.
    state = harness.snapshot(3, 3);
    complete(3);
    assertThat(SAID).containsExactly(Map.of(0, 1L, 3, 7L), Map.of(3, 8L));
    // What is committed is no part of the state: who reads the partition now may be ahead.
    harness.close();
    open(state);
    harness.snapshot(4, 4);
    complete(4);
    assertThat(SAID.subList(2, SAID.size())).containsExactly(Map.of(3, 8L));
  }

  @Test
  void whatCouldNotBeSaidAfterARestartIsSaidAgain() throws Exception {
    read(0, 0);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    open(state);
    harness.snapshot(2, 2);
    complete(2);
    answer(new IllegalStateException("no broker"));
    state = harness.snapshot(3, 3);
    complete(3);
    assertThat(SAID).containsExactly(Map.of(0, 1L), Map.of(0, 1L));
    // The answer has not come when it ends again.
    harness.close();
    open(state);
    harness.snapshot(4, 4);
    complete(4);
    assertThat(SAID).hasSize(3).endsWith(Map.of(0, 1L));
  }

  /** Completes checkpoints until something is committed. */
  private void untilCommitted(long from) throws Exception {
    for (long c = from; SAID.isEmpty(); c++) {
      assertThat(c).as("checkpoints until something is committed").isLessThan(from + 10_000);
      complete(c);
      Thread.sleep(1);
    }
  }

  private OperatorSubtaskState readUpTo10() throws Exception {
    read(0, 9);
    read(1, 4);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    return state;
  }

  @Test
  void fromAnOlderCheckpointAllRowsAreAskedForOnce() throws Exception {
    OperatorSubtaskState state = readUpTo10();
    GROUP.putAll(Map.of(0, 12L, 1, 5L));
    open(state);
    assertThat(ASKED).as("a run that may be refused").isEmpty();
    untilCommitted(2);
    assertThat(ASKED).hasSize(1);
    assertThat(ASKED.get(0))
        .contains("10 instead of 12 in partition 0")
        .doesNotContain("partition 1");
    assertThat(SAID).containsExactly(Map.of(0, 10L, 1, 5L));
    answer(null);
    complete(50);
    complete(51);
    assertThat(ASKED).hasSize(1);
  }

  @Test
  void fromTheNewestCheckpointNothingIsAskedFor() throws Exception {
    OperatorSubtaskState state = readUpTo10();
    // The commit of the newest may have been lost with what ended the job.
    GROUP.putAll(Map.of(0, 8L, 1, 5L));
    open(state);
    untilCommitted(2);
    assertThat(ASKED).isEmpty();
  }
}
