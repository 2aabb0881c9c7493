package io.sidstream.job.versions;

import static io.sidstream.job.versions.VersionRecords.record;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.RunClaims;
import io.sidstream.job.kafka.VersionsTopic.Newest;
import io.sidstream.job.record.RawRecord;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.TwoInputStreamOperatorTestHarness;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VersionLedgerTest {
  private static final WireFormat WIRE = new WireFormat();

  /** What the broker has. */
  private static Newest newest;

  private static String another;
  private static RunClaims.Start lostTo;
  private static final List<String> CLAIMS = new ArrayList<>();
  private static final Set<VersionRecord> WRITTEN = new HashSet<>();
  private static final Map<String, String> IDS = new HashMap<>();
  private static final List<String> REPUBLISHED = new ArrayList<>();

  private static final class Broker implements VersionLedger.Topic {
    private static final long serialVersionUID = 1L;

    @Override
    public Newest newest(JobConfig config) {
      return newest;
    }

    @Override
    public String another(JobConfig config) {
      return another;
    }

    @Override
    public void claim(JobConfig config, String run) {
      if (lostTo != null) {
        throw RunClaims.lost(config, lostTo);
      }
      CLAIMS.add(run);
    }

    @Override
    public Set<VersionRecord> written(JobConfig config, long since) {
      return Set.copyOf(WRITTEN);
    }

    @Override
    public Map<String, String> ids(JobConfig config) {
      return new HashMap<>(IDS);
    }

    @Override
    public void republish(JobConfig config, String reason) {
      REPUBLISHED.add(reason);
    }
  }

  private TwoInputStreamOperatorTestHarness<VersionRecord, RawRecord, VersionRecord> harness;
  private long checkpoint;

  @BeforeEach
  void begin() throws Exception {
    newest = Newest.NONE;
    another = null;
    lostTo = null;
    CLAIMS.clear();
    WRITTEN.clear();
    IDS.clear();
    IDS.put("sidstream.tokens", "one");
    IDS.put("sidstream.versions", "two");
    REPUBLISHED.clear();
    open(null);
  }

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  private void open(OperatorSubtaskState from, String... sets) throws Exception {
    JobConfig config = JobConfig.load(null, List.of(sets));
    harness =
        new TwoInputStreamOperatorTestHarness<>(new VersionLedger(config, "run-1", new Broker()));
    harness.setup();
    harness.setProcessingTime(1_000);
    if (from != null) {
      harness.initializeState(from);
    }
    harness.open();
  }

  private OperatorSubtaskState snapshot() throws Exception {
    return harness.snapshot(++checkpoint, checkpoint);
  }

  private void restart(OperatorSubtaskState from, String... sets) throws Exception {
    harness.close();
    open(from, sets);
  }

  private VersionRecord say(VersionState state, int version, long revision) throws Exception {
    VersionRecord said = record(state, version, revision);
    harness.processElement1(new StreamRecord<>(said));
    return said;
  }

  private void see(VersionRecord version) throws Exception {
    RawRecord record = new RawRecord();
    record.value = WIRE.encode(version);
    harness.processElement2(new StreamRecord<>(record));
  }

  private List<VersionRecord> said() {
    List<VersionRecord> said = List.copyOf(harness.extractOutputValues());
    harness.getOutput().clear();
    return said;
  }

  /** Lets time pass and what is looked up come back. */
  private void pass(Duration time) throws Exception {
    harness.setProcessingTime(harness.getProcessingTime() + time.toMillis());
  }

  private void mails() throws Exception {
    Awaitility.await().pollInSameThread().until(() -> harness.getTaskMailbox().hasMail());
    while (harness.getTaskMailbox().hasMail()) {
      harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
    }
  }

  @Test
  void whatNobodyReadsIsSaidAgain() throws Exception {
    VersionRecord begin = say(VersionState.BEGIN, 1, 1);
    VersionRecord commit = say(VersionState.COMMIT, 1, 1);
    assertThat(said()).containsExactly(begin, commit);
    OperatorSubtaskState state = snapshot();
    see(begin);
    // The transaction is open: nothing is missed.
    pass(Duration.ofMinutes(5));
    assertThat(harness.getTaskMailbox().hasMail()).isFalse();
    harness.notifyOfCompletedCheckpoint(checkpoint);
    pass(Duration.ofSeconds(20));
    mails();
    assertThat(said()).containsExactly(commit);
    // Once, until that transaction is over too.
    pass(Duration.ofMinutes(1));
    assertThat(said()).isEmpty();

    // The same after a restart from the checkpoint that had closed the transaction.
    restart(state);
    see(begin);
    pass(Duration.ofSeconds(5));
    pass(Duration.ofSeconds(20));
    mails();
    assertThat(said()).containsExactly(commit);
    see(commit);
    snapshot();
    harness.notifyOfCompletedCheckpoint(checkpoint);
    pass(Duration.ofMinutes(1));
    assertThat(harness.getTaskMailbox().hasMail()).isFalse();
    assertThat(said()).isEmpty();
  }

  @Test
  void whatIsOnItsWayBackIsNotSaidAgain() throws Exception {
    VersionRecord begin = say(VersionState.BEGIN, 1, 1);
    snapshot();
    harness.notifyOfCompletedCheckpoint(checkpoint);
    said();
    WRITTEN.add(begin);
    pass(Duration.ofSeconds(20));
    mails();
    assertThat(said()).isEmpty();
  }

  @Test
  void stateThatIsOlderThanTheTopicIsRefusedAtEveryStart() throws Exception {
    say(VersionState.BEGIN, 2, 7);
    say(VersionState.COMMIT, 1, 5);
    say(VersionState.REVISION, 1, 6);
    OperatorSubtaskState state = snapshot();
    for (Newest fine : List.of(Newest.NONE, new Newest(2, 1, 6), new Newest(1, 1, 3))) {
      newest = fine;
      restart(state);
    }
    Map<Newest, String> refused =
        Map.of(
            new Newest(3, 1, 6), "has token version 3 (BEGIN), the state 2",
            new Newest(2, 2, 6), "has token version 2 (COMMIT), the state 1",
            new Newest(2, 1, 9), "has revision 9, the state 6");
    for (Map.Entry<Newest, String> e : refused.entrySet()) {
      newest = e.getKey();
      assertThatThrownBy(() -> restart(state))
          .isInstanceOf(SuppressRestartsException.class)
          .cause()
          .hasMessageContaining("older than what readers have")
          .hasMessageContaining(e.getValue());
    }
  }

  @Test
  void withoutStateAJobDoesNotGoOnWithAnothersVersions() {
    newest = new Newest(3, 2, 9);
    assertThatThrownBy(() -> restart(null))
        .isInstanceOf(SuppressRestartsException.class)
        .cause()
        .hasMessageContaining("sidstream.versions already holds token version 3");
    newest = Newest.NONE;
    another = "token version 7 of kafka.group shop";
    assertThatThrownBy(() -> restart(null))
        .isInstanceOf(SuppressRestartsException.class)
        .cause()
        .hasMessageContaining(
            "sidstream.versions already holds token version 7 of kafka.group shop")
        .hasMessageContaining("this job, of kafka.group sidstream, would begin at version 1");
  }

  @Test
  void theTopicsAreTakenOnlyWhereNothingSpeaksAgainstTheStart() throws Exception {
    assertThat(CLAIMS).containsExactly("run-1");
    OperatorSubtaskState state = snapshot();
    newest = new Newest(3, 2, 9);
    assertThatThrownBy(() -> restart(null)).isInstanceOf(SuppressRestartsException.class);
    assertThatThrownBy(() -> restart(state)).isInstanceOf(SuppressRestartsException.class);
    assertThat(CLAIMS).hasSize(1);

    newest = Newest.NONE;
    lostTo = new RunClaims.Start("run-2", "kafka.group shop on host", Instant.EPOCH);
    assertThatThrownBy(() -> restart(state))
        .isInstanceOf(SuppressRestartsException.class)
        .cause()
        .hasMessageContaining("another job began on the topics sidstream.* at 1970-01-01T00:00:00Z")
        .hasMessageContaining("(kafka.group shop on host), so that this one stops");
  }

  @Test
  void topicsThatWereMadeAgainAreRefusedOrWrittenAnewOnce() throws Exception {
    OperatorSubtaskState state = snapshot();
    IDS.put("sidstream.tokens", "three");
    assertThatThrownBy(() -> restart(state))
        .isInstanceOf(SuppressRestartsException.class)
        .cause()
        .hasMessageContaining("made again")
        .hasMessageContaining("sidstream.tokens;")
        .hasMessageContaining("--set topics.accept-new=true");
    restart(state, "topics.accept-new=true");
    // A checkpoint before the request is made does not forget it.
    OperatorSubtaskState early = snapshot();
    restart(early, "topics.accept-new=true");
    pass(Duration.ofSeconds(2));
    mails();
    assertThat(REPUBLISHED).containsExactly("topics were made again: sidstream.tokens");
    OperatorSubtaskState late = snapshot();
    restart(late);
    pass(Duration.ofSeconds(2));
    assertThat(REPUBLISHED).hasSize(1);
  }
}
