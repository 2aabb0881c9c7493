package io.sidstream.job.publish;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.CommitPart;
import io.sidstream.job.record.Republish;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.TokenRow;
import io.sidstream.schemas.TokenChecksum;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.groups.OperatorMetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.metrics.util.InterceptingOperatorMetricGroup;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PublishOperatorTest {
  private static final int MAX_PARALLELISM = 16;

  /** Static, because operators are serialised. */
  private static InterceptingOperatorMetricGroup registered;

  private KeyedTwoInputStreamOperatorTestHarness<String, Resolved, Republish, TokenRow> harness;

  private static final class Measured extends PublishOperator {
    Measured() {
      super(3);
    }

    @Override
    public OperatorMetricGroup getMetricGroup() {
      return registered;
    }
  }

  @BeforeEach
  void start() throws Exception {
    harness = open(null, 1, 1, 0);
  }

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  private static KeyedTwoInputStreamOperatorTestHarness<String, Resolved, Republish, TokenRow> open(
      OperatorSubtaskState from, int oldParallelism, int parallelism, int subtask)
      throws Exception {
    registered = new InterceptingOperatorMetricGroup();
    var harness =
        new KeyedTwoInputStreamOperatorTestHarness<String, Resolved, Republish, TokenRow>(
            new Measured(), r -> r.item, null, Types.STRING, MAX_PARALLELISM, parallelism, subtask);
    harness.setup();
    if (from != null) {
      harness.initializeState(
          AbstractStreamOperatorTestHarness.repartitionOperatorState(
              from, MAX_PARALLELISM, oldParallelism, parallelism, subtask));
    }
    harness.open();
    return harness;
  }

  private void restart() throws Exception {
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    harness = open(state, 1, 1, 0);
  }

  private static Resolved answer(String item, long seq, int version, int suffix, int... codes) {
    Resolved resolved = new Resolved();
    resolved.item = item;
    resolved.seq = seq;
    resolved.version = version;
    resolved.revision = 7;
    resolved.codes = codes;
    resolved.suffix = suffix;
    resolved.nearest = codes;
    resolved.distances = new float[] {1, 2, 3};
    resolved.margins = new float[] {.1f, .2f, -.3f};
    resolved.time = 1234;
    return resolved;
  }

  private static Resolved gone(String item, long seq, int version) {
    Resolved resolved = new Resolved();
    resolved.item = item;
    resolved.seq = seq;
    resolved.version = version;
    resolved.deleted = true;
    return resolved;
  }

  private void send(Resolved resolved) throws Exception {
    harness.processElement1(resolved, resolved.version);
  }

  private List<TokenRow> rows() {
    List<TokenRow> rows = new ArrayList<>(harness.extractOutputValues());
    harness.getOutput().clear();
    return rows;
  }

  private CommitPart part(int version) throws Exception {
    harness.processWatermark1(new Watermark(version));
    return harness.getSideOutput(PublishOperator.PARTS).poll().getValue();
  }

  @Test
  void latencyIsOfRowsThatAnEventAskedFor() throws Exception {
    Histogram latency = (Histogram) registered.get(JobMetric.ITEM_LATENCY.metric());
    harness.setProcessingTime(10_000);
    Resolved asked = answer("a", 1, 1, 0, 4, 5, 6);
    asked.arrived = 8_500;
    send(asked);
    assertThat(latency.getCount()).isEqualTo(1);
    assertThat(latency.getStatistics().getMax()).isEqualTo(1_500);

    // A scan, under the same version or a new one; no row; a removal.
    send(answer("b", 1, 1, 0, 4, 5, 7));
    send(answer("b", 2, 2, 0, 4, 5, 8));
    Resolved same = answer("a", 2, 2, 0, 4, 5, 6);
    same.arrived = 9_000;
    send(same);
    Resolved gone = gone("a", 3, 2);
    gone.arrived = 9_000;
    send(gone);
    assertThat(rows()).hasSize(4);
    assertThat(latency.getCount()).isEqualTo(1);

    // The sender's clock is ahead.
    Resolved ahead = answer("c", 1, 2, 0, 4, 5, 9);
    ahead.arrived = 10_400;
    send(ahead);
    assertThat(latency.getCount()).isEqualTo(2);
    assertThat(latency.getStatistics().getMin()).isZero();
  }

  /** Readers rank with what the quantizer chose, so they hear of it; but no token moved. */
  @Test
  void anotherChoiceUnderTheSameTokenIsWrittenAndMovesNothing() throws Exception {
    Resolved repaired = answer("a", 1, 1, 0, 4, 5, 6);
    repaired.nearest = new int[] {4, 5, 7};
    send(repaired);
    assertThat(rows().get(0).nearest).containsExactly(4, 5, 7);
    CommitPart first = part(1);
    rows();
    Resolved other = answer("a", 2, 2, 0, 4, 5, 6);
    other.nearest = new int[] {4, 5, 8};
    send(other);
    restart();
    Resolved again = answer("a", 3, 2, 0, 4, 5, 6);
    again.nearest = other.nearest;
    send(again);
    List<TokenRow> rows = new ArrayList<>(rows());
    assertThat(rows).as("the first of two alike; the restart took its output").isEmpty();
    CommitPart second = part(2);
    assertThat(second.rows).isEqualTo(1);
    assertThat(second.movedItems).isZero();
    assertThat(second.oldItems).isEqualTo(1);
    assertThat(second.tableChecksum).isEqualTo(first.tableChecksum);
    send(answer("a", 4, 2, 0, 4, 5, 6));
    TokenRow row = rows().get(0);
    assertThat(row.nearest).containsExactly(4, 5, 6);
    assertThat(row.commit).isEqualTo(3);
    assertThat(row.previous.codes).containsExactly(4, 5, 6);
  }

  @Test
  void aRowSaysEverything() throws Exception {
    send(answer("a", 1, 1, 2, 4, 5, 6));
    TokenRow row = rows().get(0);
    assertThat(row.item).isEqualTo("a");
    assertThat(row.version).isEqualTo(1);
    assertThat(row.commit).isEqualTo(1);
    assertThat(row.time).isEqualTo(1234);
    assertThat(row.removed).isFalse();
    assertThat(row.revision).isEqualTo(7);
    assertThat(row.codes).containsExactly(4, 5, 6);
    assertThat(row.suffix).isEqualTo(2);
    assertThat(row.nearest).containsExactly(4, 5, 6);
    assertThat(row.distances).containsExactly(1f, 2f, 3f);
    assertThat(row.margins).containsExactly(.1f, .2f, -.3f);
    assertThat(row.previous).isNull();
  }

  @Test
  void writesOnlyWhatDiffers() throws Exception {
    send(answer("a", 1, 1, 0, 4, 5, 6));
    rows();
    Resolved same = answer("a", 2, 2, 0, 4, 5, 6);
    same.distances = new float[] {9, 9, 9};
    send(same);
    assertThat(rows()).isEmpty();
    send(answer("a", 3, 2, 1, 4, 5, 6));
    assertThat(rows()).hasSize(1);
  }

  @Test
  void dropsWhatIsOlderThanWhatItHasSeen() throws Exception {
    send(answer("a", 5, 1, 0, 4, 5, 6));
    send(answer("a", 3, 1, 0, 1, 1, 1));
    send(gone("a", 2, 1));
    assertThat(rows()).hasSize(1);
    // An answer that changes nothing also makes older ones old.
    send(answer("a", 8, 1, 0, 4, 5, 6));
    send(answer("a", 7, 1, 0, 1, 1, 1));
    assertThat(rows()).isEmpty();
  }

  @Test
  void previousIsTheTokenOfTheCommitBefore() throws Exception {
    send(answer("a", 1, 1, 0, 1, 1, 1));
    assertThat(rows().get(0).previous).isNull();
    part(1);
    send(answer("a", 2, 1, 0, 2, 2, 2));
    send(answer("a", 3, 2, 3, 3, 3, 3));
    List<TokenRow> rows = rows();
    for (TokenRow row : rows) {
      assertThat(row.commit).isEqualTo(2);
      assertThat(row.previous.codes).containsExactly(1, 1, 1);
      assertThat(row.previous.version).isEqualTo(1);
    }
    restart();
    part(2);
    rows();
    send(answer("a", 4, 2, 0, 4, 4, 4));
    TokenRow last = rows().get(0);
    assertThat(last.version).isEqualTo(2);
    assertThat(last.commit).isEqualTo(3);
    assertThat(last.previous.codes).containsExactly(3, 3, 3);
    assertThat(last.previous.suffix).isEqualTo(3);
  }

  @Test
  void aDeletedItemIsNotBroughtBackByALateAnswer() throws Exception {
    send(answer("a", 1, 1, 0, 1, 1, 1));
    part(1);
    rows();
    send(gone("a", 9, 1));
    TokenRow tombstone = rows().get(0);
    assertThat(tombstone.removed).isTrue();
    assertThat(tombstone.commit).isEqualTo(2);
    assertThat(tombstone.previous.codes).containsExactly(1, 1, 1);
    send(answer("a", 8, 1, 0, 2, 2, 2));
    assertThat(rows()).isEmpty();
    assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
    CommitPart part = part(2);
    assertThat(part.items).isZero();
    assertThat(part.tombstones).isEqualTo(1);
    assertThat(part.tableChecksum).isZero();
    for (int version = 3; version < 9; version++) {
      part(version);
    }
    assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
    // No answer that is older than the deletion can be under way any more, nor its tombstone.
    part(9);
    assertThat(harness.numKeyedStateEntries()).isZero();
  }

  @Test
  void aDeletionOfWhatIsNotKnownRemovesARowThatMayBeThereAndCountsForNothing() throws Exception {
    send(gone("a", 9, 1));
    TokenRow tombstone = rows().get(0);
    assertThat(tombstone.removed).isTrue();
    assertThat(tombstone.commit).isEqualTo(1);
    assertThat(tombstone.previous).isNull();
    send(gone("a", 10, 1));
    assertThat(rows()).as("once").isEmpty();
    send(answer("a", 8, 1, 0, 2, 2, 2));
    assertThat(rows()).as("it was given before the deletion, and overtaken").isEmpty();
    CommitPart part = part(1);
    assertThat(part.items).isZero();
    assertThat(part.tombstones).isZero();
    assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
    part = part(2);
    assertThat(part.tombstones).isZero();
    part(9);
    assertThat(harness.numKeyedStateEntries()).isZero();
  }

  private void republish() throws Exception {
    harness.processElement2(new StreamRecord<>(new Republish()));
  }

  private void runRepublication() throws Exception {
    harness.setProcessingTime(harness.getProcessingTime() + 2_000);
    while (harness.getTaskMailbox().hasMail()) {
      harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
    }
  }

  @Test
  void everyRowIsWrittenAgainAsItWas() throws Exception {
    send(answer("a", 1, 1, 2, 4, 5, 6));
    Resolved repaired = answer("b", 2, 1, 0, 1, 2, 3);
    repaired.nearest = new int[] {1, 2, 9};
    send(repaired);
    part(1);
    send(answer("a", 3, 2, 0, 7, 5, 6));
    send(answer("c", 4, 1, 0, 1, 1, 1));
    send(gone("b", 5, 2));
    List<TokenRow> written = rows();
    // Two together are one.
    republish();
    republish();
    assertThat(rows()).isEmpty();
    runRepublication();
    assertThat(rows())
        .usingRecursiveFieldByFieldElementComparator()
        .containsExactlyInAnyOrder(written.get(2), written.get(3), written.get(4));
    CommitPart done = harness.getSideOutput(PublishOperator.PARTS).poll().getValue();
    assertThat(done.republishing).isEqualTo(1);
    assertThat(harness.getSideOutput(PublishOperator.PARTS)).isEmpty();
    // It counts for nothing.
    CommitPart part = part(2);
    assertThat(part.items).isEqualTo(2);
    assertThat(part.rows).isEqualTo(2);
    assertThat(part.tombstones).isEqualTo(1);
  }

  @Test
  void whatIsToBeWrittenAgainSurvivesARestart() throws Exception {
    for (int i = 0; i < 2_000; i++) {
      send(answer("i" + i, i + 1, 1, 0, i, 1, 1));
    }
    part(1);
    rows();
    republish();
    harness.setProcessingTime(2_000);
    // The first slice.
    assertThat(rows().size()).isBetween(1, 1_999);
    restart();
    runRepublication();
    assertThat(rows()).hasSize(2_000);
    assertThat(harness.getSideOutput(PublishOperator.PARTS)).hasSize(1);
    restart();
    runRepublication();
    assertThat(rows()).isEmpty();
  }

  @Test
  void anItemCreatedAgainBeforeTheCommitIsOldAndMoved() throws Exception {
    send(answer("a", 1, 1, 0, 1, 1, 1));
    part(1);
    rows();
    send(gone("a", 2, 1));
    send(answer("a", 3, 2, 0, 1, 2, 1));
    List<TokenRow> rows = rows();
    assertThat(rows.get(1).previous.codes).containsExactly(1, 1, 1);
    CommitPart part = part(2);
    assertThat(part.items).isEqualTo(1);
    assertThat(part.tombstones).isZero();
    assertThat(part.oldItems).isEqualTo(1);
    assertThat(part.movedItems).isEqualTo(1);
    assertThat(part.changedCodes).containsExactly(0, 1, 0);
    assertThat(part.changedPrefixes).containsExactly(0, 1, 1);
    // The stub's timer must not take the item that lives.
    assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
  }

  @Test
  void theCommitCountsEachItemOnce() throws Exception {
    send(answer("a", 1, 1, 0, 1, 1, 1));
    send(answer("b", 2, 1, 0, 1, 1, 2));
    CommitPart first = part(1);
    assertThat(first.version).isEqualTo(1);
    assertThat(first.revision).isEqualTo(7);
    assertThat(first.items).isEqualTo(2);
    assertThat(first.rows).isEqualTo(2);
    assertThat(first.oldItems).isZero();
    long a = TokenChecksum.of("a", new int[] {1, 1, 1}, 0);
    long b = TokenChecksum.of("b", new int[] {1, 1, 2}, 0);
    assertThat(first.rowsChecksum).isEqualTo(a + b);
    assertThat(first.tableChecksum).isEqualTo(a + b);

    send(answer("b", 3, 2, 0, 2, 1, 2));
    send(answer("b", 4, 2, 0, 3, 1, 3));
    CommitPart second = part(2);
    long b2 = TokenChecksum.of("b", new int[] {3, 1, 3}, 0);
    assertThat(second.items).isEqualTo(2);
    assertThat(second.rows).isEqualTo(1);
    assertThat(second.rowsChecksum).isEqualTo(b2);
    assertThat(second.tableChecksum).isEqualTo(a + b2);
    assertThat(second.oldItems).isEqualTo(2);
    assertThat(second.movedItems).isEqualTo(1);
    assertThat(second.changedCodes).containsExactly(1, 0, 1);
    assertThat(second.changedPrefixes).containsExactly(1, 1, 1);

    CommitPart third = part(3);
    assertThat(third.rows).isZero();
    assertThat(third.rowsChecksum).isZero();
    assertThat(third.tableChecksum).isEqualTo(a + b2);
    assertThat(third.movedItems).isZero();
    assertThat(third.changedCodes).containsExactly(0, 0, 0);
  }

  @Test
  void aWatermarkThatComesAgainIsForwardedAndNotCounted() throws Exception {
    send(answer("a", 1, 1, 0, 1, 1, 1));
    part(1);
    restart();
    harness.processWatermark1(new Watermark(1));
    assertThat(harness.getOutput()).containsExactly(new Watermark(1));
    assertThat(harness.getSideOutput(PublishOperator.PARTS)).isNullOrEmpty();
    harness.getOutput().clear();
    send(answer("b", 2, 1, 0, 1, 1, 2));
    assertThat(rows().get(0).commit).isEqualTo(2);
  }

  @Test
  void theEndOfTheStreamIsNoVersion() throws Exception {
    harness.processWatermark1(Watermark.MAX_WATERMARK);
    assertThat(harness.getSideOutput(PublishOperator.PARTS)).isNullOrEmpty();
  }

  @Test
  void sumsSurviveRescaling() throws Exception {
    for (int i = 0; i < 40; i++) {
      send(answer("i" + i, i + 1, 1, 0, i, 1, 1));
    }
    OperatorSubtaskState state = harness.snapshot(1, 1);
    long checksum = 0;
    long items = 0;
    List<OperatorSubtaskState> states = new ArrayList<>();
    for (int subtask = 0; subtask < 3; subtask++) {
      try (Opened opened = new Opened(open(state, 1, 3, subtask))) {
        states.add(opened.harness.snapshot(2, 2));
        opened.harness.processWatermark1(new Watermark(1));
        CommitPart part = opened.harness.getSideOutput(PublishOperator.PARTS).poll().getValue();
        checksum += part.tableChecksum;
        items += part.items;
      }
    }
    CommitPart before = part(1);
    assertThat(items).isEqualTo(40).isEqualTo(before.items);
    assertThat(checksum).isEqualTo(before.tableChecksum);

    harness.close();
    harness =
        open(
            AbstractStreamOperatorTestHarness.repackageState(
                states.toArray(new OperatorSubtaskState[0])),
            3,
            1,
            0);
    CommitPart after = part(1);
    assertThat(after.items).isEqualTo(40);
    assertThat(after.rows).isEqualTo(40);
    assertThat(after.tableChecksum).isEqualTo(before.tableChecksum);
  }

  /** A harness whose close() does not declare every exception. */
  private record Opened(
      KeyedTwoInputStreamOperatorTestHarness<String, Resolved, Republish, TokenRow> harness)
      implements AutoCloseable {
    @Override
    public void close() {
      try {
        harness.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
