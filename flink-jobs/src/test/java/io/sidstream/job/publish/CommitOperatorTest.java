package io.sidstream.job.publish;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.record.CommitPart;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CommitOperatorTest {
  private OneInputStreamOperatorTestHarness<CommitPart, VersionRecord> harness;

  @BeforeEach
  void start() throws Exception {
    open(null);
  }

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  private void open(OperatorSubtaskState from) throws Exception {
    harness = new OneInputStreamOperatorTestHarness<>(new CommitOperator());
    harness.setup();
    if (from != null) {
      harness.initializeState(from);
    }
    harness.open();
  }

  private void restart() throws Exception {
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    open(state);
  }

  private static CommitPart part(int version, int subtask) {
    CommitPart part = new CommitPart();
    part.version = version;
    part.subtask = subtask;
    part.revision = 10 + subtask;
    part.items = 5;
    part.rows = 4;
    part.tombstones = 1;
    part.rowsChecksum = Long.MAX_VALUE;
    part.tableChecksum = Long.MAX_VALUE - 1;
    part.oldItems = 3;
    part.movedItems = 2;
    part.changedCodes = new long[] {0, 1, 2};
    part.changedPrefixes = new long[] {0, 1, 3};
    return part;
  }

  private List<VersionRecord> rows() {
    return harness.extractOutputValues();
  }

  @Test
  void addsTheParts() throws Exception {
    harness.setProcessingTime(77);
    harness.processElement(part(1, 0), 1);
    harness.processElement(part(1, 1), 1);
    assertThat(rows()).isEmpty();
    harness.processWatermark(1);
    assertThat(rows()).hasSize(1);
    VersionRecord commit = rows().get(0);
    assertThat(commit.getVersion()).isEqualTo(1);
    assertThat(commit.getState()).isEqualTo(VersionState.COMMIT);
    assertThat(commit.getRevision()).isEqualTo(11);
    assertThat(commit.getItems()).isEqualTo(10);
    assertThat(commit.getRows()).isEqualTo(8);
    assertThat(commit.getTombstones()).isEqualTo(2);
    assertThat(commit.getRowsChecksum()).isEqualTo(-2);
    assertThat(commit.getTableChecksum()).isEqualTo(-4);
    assertThat(commit.getOldItems()).isEqualTo(6);
    assertThat(commit.getMovedItems()).isEqualTo(4);
    assertThat(commit.getChangedCodes()).containsExactly(0L, 2L, 4L);
    assertThat(commit.getChangedPrefixes()).containsExactly(0L, 2L, 6L);
    assertThat(commit.getTime().toEpochMilli()).isEqualTo(77);
  }

  @Test
  void partsSurviveARestartAndACommitIsSaidOnce() throws Exception {
    harness.processElement(part(1, 0), 1);
    restart();
    harness.processElement(part(1, 1), 1);
    harness.processWatermark(1);
    assertThat(rows()).hasSize(1);
    restart();
    harness.processWatermark(1);
    assertThat(rows()).isEmpty();
    harness.processElement(part(2, 0), 2);
    harness.processWatermark(2);
    assertThat(rows()).hasSize(1);
  }

  private static CommitPart writtenAgain(int request, int subtask) {
    CommitPart part = new CommitPart();
    part.republishing = 2;
    part.version = request;
    part.subtask = subtask;
    part.changedCodes = new long[0];
    part.changedPrefixes = new long[0];
    return part;
  }

  @Test
  void theCommitIsSaidAgainWhenAllRowsAreThereForTheNewestRequest() throws Exception {
    harness.processElement(part(1, 0), 1);
    harness.processElement(part(1, 1), 1);
    harness.processWatermark(1);
    assertThat(rows()).hasSize(1);
    // The second request comes when one subtask has done with the first, and the other has not.
    harness.processElement(writtenAgain(1, 0), 1);
    harness.processElement(writtenAgain(2, 0), 1);
    assertThat(rows()).as("one of two").hasSize(1);
    harness.processElement(writtenAgain(2, 1), 1);
    assertThat(rows()).as("both").hasSize(2);
    harness.processElement(writtenAgain(3, 1), 1);
    assertThat(rows()).as("one of the third").hasSize(2);
    harness.processElement(writtenAgain(3, 0), 1);
    assertThat(rows()).as("both of the third").hasSize(3);
    assertThat(rows().get(2)).isEqualTo(rows().get(0));
  }
}
