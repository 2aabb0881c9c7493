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

  private OneInputStreamOperatorTestHarness<RawRecord, RawRecord> harness;

  @BeforeEach
  void begin() throws Exception {
    SAID.clear();
    ANSWERS.clear();
    open(null);
  }

  @AfterEach
  void end() throws Exception {
    harness.close();
  }

  private void open(OperatorSubtaskState from) throws Exception {
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new GroupOffsets(JobConfig.defaults(), "items", config -> new Recorded()));
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
            assertThat(p.topic()).isEqualTo("items");
            said.put(p.partition(), o.offset());
          });
      SAID.add(said);
      ANSWERS.add(new CompletableFuture<>());
      return ANSWERS.get(ANSWERS.size() - 1);
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
}
