package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.DeadLetterRecord;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SinkWitnessTest {
  /** Digests of the values that readers have. */
  private static final List<Long> VISIBLE = new CopyOnWriteArrayList<>();

  private static final List<String> REQUESTS = new CopyOnWriteArrayList<>();
  private static final AtomicInteger FAILURES = new AtomicInteger();
  private static final AtomicInteger LOOKUPS = new AtomicInteger();

  private static final DeadLetterSerializer SERIALIZER = new DeadLetterSerializer("tokens");

  static {
    SERIALIZER.open();
  }

  private OneInputStreamOperatorTestHarness<DeadLetterRecord, DeadLetterRecord> harness;
  private long checkpoint;

  @BeforeEach
  void begin() throws Exception {
    VISIBLE.clear();
    REQUESTS.clear();
    FAILURES.set(0);
    LOOKUPS.set(0);
    open(null, true);
  }

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  private static List<WrittenRecord> missing(
      JobConfig config, String topic, Collection<WrittenRecord> records) {
    LOOKUPS.incrementAndGet();
    if (FAILURES.getAndDecrement() > 0) {
      throw new IllegalStateException("no broker");
    }
    return records.stream().filter(r -> !VISIBLE.contains(r.digest)).toList();
  }

  private void open(OperatorSubtaskState from, boolean repairable) throws Exception {
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new SinkWitness<>(
                JobConfig.defaults(),
                SERIALIZER,
                repairable,
                SinkWitnessTest::missing,
                (config, reason) -> REQUESTS.add(reason)));
    harness.setup();
    if (from != null) {
      harness.initializeState(from);
    }
    harness.open();
  }

  private void restart(OperatorSubtaskState from, boolean repairable) throws Exception {
    harness.close();
    open(from, repairable);
  }

  private OperatorSubtaskState snapshot() throws Exception {
    return harness.snapshot(++checkpoint, checkpoint);
  }

  private static DeadLetterRecord letter(byte[] key, long offset) {
    DeadLetterRecord letter = new DeadLetterRecord();
    letter.topic = "items";
    letter.offset = offset;
    letter.code = "CODE";
    letter.reason = "a reason";
    letter.key = key;
    return letter;
  }

  private long write(int value) throws Exception {
    DeadLetterRecord letter = letter(new byte[] {1}, value);
    harness.processElement(letter, 0);
    return VersionsTopic.digest(SERIALIZER.bytes(letter));
  }

  /** Completes checkpoints until what was asked has come back. */
  private void complete(int lookups) throws Exception {
    Awaitility.await()
        .until(
            () -> {
              snapshot();
              harness.notifyOfCompletedCheckpoint(checkpoint);
              return LOOKUPS.get() >= lookups;
            });
    Thread.sleep(50);
    snapshot();
    harness.notifyOfCompletedCheckpoint(checkpoint);
  }

  @Test
  void passesEverythingOn() throws Exception {
    write(1);
    harness.processElement(letter(null, 2), 0);
    assertThat(harness.extractOutputValues()).hasSize(2);
  }

  @Test
  void aLostTransactionIsAskedForAgain() throws Exception {
    VISIBLE.add(write(1));
    snapshot();
    write(2);
    VISIBLE.add(write(3));
    OperatorSubtaskState fine = snapshot();
    write(4);
    OperatorSubtaskState lost = snapshot();

    restart(fine, true);
    complete(1);
    assertThat(REQUESTS).isEmpty();

    restart(lost, true);
    // Not before all tasks run.
    assertThat(LOOKUPS).hasValue(1);
    complete(2);
    assertThat(REQUESTS)
        .singleElement()
        .asString()
        .startsWith(
            "1 transaction(s) of topic tokens, the newest closed by checkpoint 3, were lost");
    // What was looked up is not looked up again.
    restart(snapshot(), true);
    snapshot();
    harness.notifyOfCompletedCheckpoint(checkpoint);
    Thread.sleep(100);
    assertThat(LOOKUPS).hasValue(2);
  }

  @Test
  void aBrokerThatDoesNotAnswerIsAskedAgain() throws Exception {
    write(1);
    OperatorSubtaskState lost = snapshot();
    restart(lost, true);
    FAILURES.set(1);
    complete(2);
    assertThat(REQUESTS).hasSize(1);
  }

  @Test
  void whatTheJobDoesNotHaveIsNotAskedFor() throws Exception {
    write(1);
    OperatorSubtaskState lost = snapshot();
    restart(lost, false);
    complete(1);
    assertThat(REQUESTS).isEmpty();
  }
}
