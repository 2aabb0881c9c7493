package io.sidstream.job.versions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.RunClaims;
import io.sidstream.job.record.RawRecord;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RunFenceTest {
  private static final WireFormat WIRE = new WireFormat();

  private OneInputStreamOperatorTestHarness<RawRecord, RawRecord> harness;

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  private void open(String run, OperatorSubtaskState from) throws Exception {
    if (harness != null) {
      harness.close();
    }
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new ProcessOperator<>(new RunFence(JobConfig.defaults(), run)));
    harness.setup();
    if (from != null) {
      harness.initializeState(from);
    }
    harness.open();
  }

  private void read(ControlAction action, String key) throws Exception {
    RawRecord record = new RawRecord();
    record.topic = "sidstream.control";
    record.key = key == null ? null : key.getBytes(StandardCharsets.UTF_8);
    record.value =
        WIRE.encode(
            ControlMessage.newBuilder()
                .setAction(action)
                .setReason("kafka.group shop on host")
                .setTime(Instant.EPOCH)
                .build());
    harness.processElement(new StreamRecord<>(record));
  }

  private void start(String run) throws Exception {
    read(ControlAction.UNKNOWN, RunClaims.KEY + run);
  }

  @Test
  void aRunEndsWithTheNextAndNotWithThoseBefore() throws Exception {
    open("b", null);
    start("a");
    read(ControlAction.HOLD, null);
    start("b");
    read(ControlAction.UNKNOWN, "c");
    read(ControlAction.RELEASE, RunClaims.KEY + "c");
    RawRecord rubbish = new RawRecord();
    rubbish.key = new byte[] {1};
    rubbish.value = new byte[] {1, 2};
    harness.processElement(new StreamRecord<>(rubbish));
    rubbish.value = null;
    harness.processElement(new StreamRecord<>(rubbish));
    assertThat(harness.extractOutputValues())
        .as("what is for others: HOLD, an action that is not known, RELEASE, no messages")
        .hasSize(5);
    assertThatThrownBy(() -> start("c"))
        .isInstanceOf(SuppressRestartsException.class)
        .cause()
        .hasMessageContaining("another job began on the topics sidstream.*")
        .hasMessageContaining("kafka.group shop on host");
  }

  @Test
  void aRunThatIsRestartedKnowsThatItsStartIsRead() throws Exception {
    open("a", null);
    OperatorSubtaskState early = harness.snapshot(1, 1);
    start("a");
    OperatorSubtaskState late = harness.snapshot(2, 2);

    open("a", early);
    start("a");
    open("a", late);
    assertThatThrownBy(() -> start("b")).isInstanceOf(SuppressRestartsException.class);

    // Another run that goes on from there has its own still to come.
    open("b", late);
    start("c");
    start("b");
    assertThat(harness.extractOutputValues()).isEmpty();
    assertThatThrownBy(() -> start("c")).isInstanceOf(SuppressRestartsException.class);
  }
}
