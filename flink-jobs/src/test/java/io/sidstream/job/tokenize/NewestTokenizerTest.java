package io.sidstream.job.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.record.TokenizerUpdate;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.storage.FileSystemCheckpointStorage;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NewestTokenizerTest {
  private KeyedOneInputStreamOperatorTestHarness<Integer, TokenizerUpdate, TokenizerUpdate> harness;

  @TempDir Path folder;

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  private void open(OperatorSubtaskState from, boolean incremental) throws Exception {
    harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new NewestTokenizer(), NewestTokenizer.BY_ONE_KEY, Types.INT);
    harness.setStateBackend(new EmbeddedRocksDBStateBackend(incremental));
    harness.setCheckpointStorage(new FileSystemCheckpointStorage(folder.toUri()));
    harness.setup();
    if (from != null) {
      harness.initializeState(from);
    }
    harness.open();
    while (harness.getTaskMailbox().hasMail()) {
      harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
    }
  }

  private OperatorSubtaskState snapshot(long checkpoint) throws Exception {
    OperatorSubtaskState state = harness.snapshot(checkpoint, checkpoint);
    harness.notifyOfCompletedCheckpoint(checkpoint);
    return state;
  }

  private void restart(long checkpoint) throws Exception {
    OperatorSubtaskState state = snapshot(checkpoint);
    harness.close();
    // Incremental state of a harness names files that only a coordinator knows.
    open(state, false);
  }

  private void send(int version) throws Exception {
    TokenizerUpdate update = new TokenizerUpdate();
    update.version = version;
    update.revision = 10L + version;
    update.tokenizer = new byte[1_600_000];
    update.tokenizer[1_234_567] = (byte) version;
    harness.processElement(new StreamRecord<>(update));
  }

  private List<Integer> out() {
    List<Integer> versions =
        harness.extractOutputValues().stream()
            .map(
                u -> {
                  assertThat(u.revision).isEqualTo(10L + u.version);
                  assertThat(u.tokenizer).hasSize(1_600_000);
                  assertThat(u.tokenizer[1_234_567]).isEqualTo((byte) u.version);
                  return u.version;
                })
            .toList();
    harness.getOutput().clear();
    return versions;
  }

  @Test
  void sendsTheNewestAgainAfterEveryStart() throws Exception {
    open(null, false);
    restart(1);
    assertThat(out()).as("there is none yet").isEmpty();
    send(1);
    send(2);
    assertThat(out()).containsExactly(1, 2);
    restart(2);
    assertThat(out()).containsExactly(2);
    restart(3);
    assertThat(out()).containsExactly(2);
    send(3);
    restart(4);
    assertThat(out()).containsExactly(3);
  }

  @Test
  void aTokenizerIsWrittenInOneCheckpoint() throws Exception {
    open(null, true);
    send(1);
    assertThat(snapshot(1).getCheckpointedSize()).isGreaterThan(10_000);
    OperatorSubtaskState again = snapshot(2);
    assertThat(again.getCheckpointedSize()).isLessThan(20_000).isLessThan(again.getStateSize());
    send(2);
    assertThat(snapshot(3).getCheckpointedSize()).isGreaterThan(again.getCheckpointedSize());
  }
}
