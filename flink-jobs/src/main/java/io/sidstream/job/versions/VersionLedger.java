package io.sidstream.job.versions;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.EarlierVersions;
import io.sidstream.job.kafka.OutputTopics;
import io.sidstream.job.kafka.RepublishRequests;
import io.sidstream.job.kafka.RunClaims;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.kafka.VersionsTopic;
import io.sidstream.job.kafka.VersionsTopic.Newest;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Records;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.ThrowingRunnable;

/**
 * Through here goes whatever the job says on the versions topic. First input: the records to say.
 * Second input: the topic, as readers of committed records have it. Runs with parallelism 1.
 *
 * <p>A record is kept until it is read back. One that no reader has, nor will have, because its
 * transaction was aborted, is said again, after whatever was said since. While a transaction that
 * may hold it is open it is waited for.
 *
 * <p>At every start, also one within the same job, the state is held against the topic: a state
 * that has said less than readers have would give numbers again, and is refused; so is one whose
 * topics were made again since ({@link OutputTopics}), and a job without state where the topic has
 * versions. Then the run takes the topics from whichever had them ({@link RunFence}), and its sinks
 * open ({@link RunClaims#await}).
 */
public class VersionLedger extends AbstractStreamOperator<VersionRecord>
    implements TwoInputStreamOperator<VersionRecord, RawRecord, VersionRecord> {
  /** How long a record of a transaction that is over may be on its way back to here, ms. */
  static final long PATIENCE_MS = 15_000;

  private static final long TURN_MS = 1_000;

  private final JobConfig config;
  private final String run;
  private final Topic topic;

  private transient ListState<SaidRecord> unseenState;

  /** One entry: {newest BEGIN, COMMIT, REVISION said; newest COMMIT seen; time of the BEGIN}. */
  private transient ListState<long[]> newestState;

  private transient ListState<Map<String, String>> topicIdsState;

  private transient List<SaidRecord> unseen;
  private transient Newest said;
  private transient int committedSeen;
  private transient long begunAt;
  private transient Map<String, String> topicIds;
  private transient Map<String, String> idsThen;

  /** Topics that were made again and are to be written anew; empty once that is asked for. */
  private transient List<String> madeAgain;

  private transient WireFormat wire;
  private transient Counter saidAgain;
  private transient VersionFigures figures;
  private transient MailboxExecutor mailbox;
  private transient ExecutorService thread;
  private transient boolean looking;
  private transient boolean closed;

  /** The topics, as the broker has them. */
  interface Topic extends Serializable {
    /** As {@link VersionsTopic#newest}. */
    Newest newest(JobConfig config) throws InterruptedException;

    /** As {@link VersionsTopic#another}. */
    String another(JobConfig config) throws InterruptedException;

    /** As {@link VersionsTopic#written}. */
    Set<VersionRecord> written(JobConfig config, long since) throws InterruptedException;

    /** As {@link OutputTopics#ids}. */
    Map<String, String> ids(JobConfig config) throws InterruptedException;

    /** As {@link RepublishRequests#send}. */
    void republish(JobConfig config, String reason) throws InterruptedException;

    /** As {@link RunClaims#claim}. */
    void claim(JobConfig config, String run) throws InterruptedException;
  }

  private static final class OnBroker implements Topic {
    @Override
    public Newest newest(JobConfig config) throws InterruptedException {
      return VersionsTopic.newest(config);
    }

    @Override
    public String another(JobConfig config) throws InterruptedException {
      return VersionsTopic.another(config);
    }

    @Override
    public Set<VersionRecord> written(JobConfig config, long since) throws InterruptedException {
      return VersionsTopic.written(config, since);
    }

    @Override
    public Map<String, String> ids(JobConfig config) throws InterruptedException {
      return OutputTopics.ids(config);
    }

    @Override
    public void republish(JobConfig config, String reason) throws InterruptedException {
      RepublishRequests.send(config, reason);
    }

    @Override
    public void claim(JobConfig config, String run) throws InterruptedException {
      RunClaims.claim(config, run);
    }
  }

  /**
   * For the versions topic of a configuration.
   *
   * @param run identifier of this run
   */
  public VersionLedger(JobConfig config, String run) {
    this(config, run, new OnBroker());
  }

  VersionLedger(JobConfig config, String run, Topic topic) {
    this.config = config;
    this.run = run;
    this.topic = topic;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    var store = context.getOperatorStateStore();
    unseenState =
        store.getListState(new ListStateDescriptor<>("unseen", Records.type(SaidRecord.class)));
    newestState =
        store.getListState(
            new ListStateDescriptor<>(
                "newest", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    topicIdsState =
        store.getListState(
            new ListStateDescriptor<>("topic-ids", Types.MAP(Types.STRING, Types.STRING)));
    unseen = new ArrayList<>();
    said = Newest.NONE;
    madeAgain = List.of();
    idsThen = new TreeMap<>();
    topicIds = topic.ids(config);
    try {
      if (context.isRestored()) {
        restore();
        madeAgain = OutputTopics.madeAgain(idsThen, topicIds);
        OutputTopics.refuse(config, madeAgain);
        refuseOlderThanTheTopic();
      } else {
        EarlierVersions.refuse(config, topic.newest(config), topic.another(config));
      }
      // Last: a run that is refused takes the topics from nobody.
      topic.claim(config, run);
    } catch (ConfigException e) {
      // To try again would not help.
      throw new SuppressRestartsException(e);
    }
  }

  private void restore() throws Exception {
    long now = now();
    for (SaidRecord record : unseenState.get()) {
      // The checkpoint that holds it is complete.
      record.completedAt = now;
      unseen.add(record);
    }
    for (long[] newest : newestState.get()) {
      said = new Newest((int) newest[0], (int) newest[1], newest[2]);
      committedSeen = (int) newest[3];
      begunAt = newest[4];
    }
    for (Map<String, String> ids : topicIdsState.get()) {
      idsThen.putAll(ids);
    }
  }

  /**
   * What a reader sees lies behind a completed checkpoint that has it, so that the newest state
   * never has said less than readers have.
   */
  private void refuseOlderThanTheTopic() throws InterruptedException {
    String older = said.olderThan(topic.newest(config));
    if (older != null) {
      throw new ConfigException(
          "the job's state is older than what readers have: topic "
              + Topics.versions(config)
              + " has "
              + older
              + ", and the job would give numbers again: go on from the newest checkpoint or savepoint (--state DIR, or flink run -s PATH), or begin without state under another topics.prefix and kafka.group");
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    int parallelism = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
    if (parallelism != 1) {
      throw new IllegalStateException(
          "the version ledger runs with parallelism " + parallelism + ": set it to 1");
    }
    wire = new WireFormat();
    mailbox =
        getContainingTask()
            .getMailboxExecutorFactory()
            .createExecutor(getOperatorConfig().getChainIndex());
    MetricGroup metrics = getRuntimeContext().getMetricGroup();
    JobMetric.COMMITTED_SEEN.gauge(metrics, () -> committedSeen);
    JobMetric.BEGUN_FOR.gauge(metrics, this::begunFor);
    JobMetric.UNSEEN_RECORDS.gauge(metrics, () -> unseen.size());
    saidAgain = JobMetric.SAID_AGAIN.counter(metrics);
    figures = new VersionFigures(System::currentTimeMillis);
    figures.register(metrics, config.get(JobOptions.QUANTIZER_LEVELS));
    turnLater();
  }

  private long begunFor() {
    return said.begun() > committedSeen ? Math.max(0, System.currentTimeMillis() - begunAt) : 0;
  }

  /** A record to say. */
  @Override
  public void processElement1(StreamRecord<VersionRecord> element) {
    VersionRecord version = element.getValue();
    said = said.with(version);
    figures.said(version);
    if (version.getState() == VersionState.BEGIN) {
      begunAt = now();
    }
    SaidRecord entry = new SaidRecord();
    entry.record = version;
    unseen.add(entry);
    say(entry);
  }

  private void say(SaidRecord entry) {
    entry.time = now();
    entry.checkpoint = 0;
    entry.completedAt = 0;
    output.collect(new StreamRecord<>(entry.record));
  }

  /** A record that readers have. */
  @Override
  public void processElement2(StreamRecord<RawRecord> element) {
    VersionRecord version = read(element.getValue().value);
    Iterator<SaidRecord> each = unseen.iterator();
    while (version != null && each.hasNext()) {
      if (each.next().record.equals(version)) {
        each.remove();
        if (version.getState() == VersionState.COMMIT) {
          committedSeen = Math.max(committedSeen, version.getVersion());
        }
        return;
      }
    }
  }

  private VersionRecord read(byte[] value) {
    try {
      return value == null ? null : wire.decode(value, VersionRecord.class);
    } catch (WireFormatException e) {
      // Not the job's: it goes to the dead letters.
      return null;
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    for (SaidRecord entry : unseen) {
      if (entry.checkpoint == 0) {
        entry.checkpoint = context.getCheckpointId();
      }
    }
    unseenState.update(unseen);
    newestState.update(
        List.of(
            new long[] {said.begun(), said.committed(), said.revision(), committedSeen, begunAt}));
    topicIdsState.update(List.of(madeAgain.isEmpty() ? topicIds : idsThen));
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    super.notifyCheckpointComplete(checkpointId);
    for (SaidRecord entry : unseen) {
      if (entry.completedAt == 0 && entry.checkpoint > 0 && entry.checkpoint <= checkpointId) {
        entry.completedAt = now();
      }
    }
  }

  private void turnLater() {
    getProcessingTimeService().registerTimer(now() + TURN_MS, t -> turn());
  }

  /** Looks up what should have come back by now. */
  private void turn() {
    if (closed) {
      return;
    }
    turnLater();
    long before = now() - PATIENCE_MS;
    List<SaidRecord> late =
        unseen.stream().filter(e -> e.completedAt > 0 && e.completedAt <= before).toList();
    if (looking || late.isEmpty() && madeAgain.isEmpty()) {
      return;
    }
    looking = true;
    if (thread == null) {
      thread = newThread();
    }
    thread.execute(() -> lookUp(late));
  }

  /** Where topics are looked through. */
  ExecutorService newThread() {
    return Executors.newSingleThreadExecutor(r -> new Thread(r, "version ledger"));
  }

  /** On the thread of its own. */
  private void lookUp(List<SaidRecord> late) {
    try {
      if (!madeAgain.isEmpty()) {
        topic.republish(config, "topics were made again: " + String.join(", ", madeAgain));
      }
      long since = late.stream().mapToLong(e -> e.time).min().orElse(Long.MAX_VALUE);
      // A minute, for the clock of a broker that stamps records itself.
      Set<VersionRecord> written =
          late.isEmpty() ? Set.of() : topic.written(config, since - 60_000);
      back(() -> sayAgain(late, written));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.warn("Topic {} cannot be looked up; it is tried again", Topics.versions(config), e);
      back(() -> looking = false);
    }
  }

  /** Has the operator's own thread do something, unless it has ended meanwhile. */
  private void back(ThrowingRunnable<Exception> what) {
    try {
      mailbox.execute(what, "what the version ledger looked up");
    } catch (RejectedExecutionException e) {
      LOG.debug("the task has ended", e);
    }
  }

  private void sayAgain(List<SaidRecord> late, Set<VersionRecord> written) {
    looking = false;
    madeAgain = List.of();
    for (SaidRecord entry : late) {
      // It may be there and only late on its way back to here.
      if (unseen.contains(entry) && !written.contains(entry.record)) {
        LOG.error(
            "A record of topic {} said at {} was lost with its transaction; it is said again: {}",
            Topics.versions(config),
            entry.time,
            entry.record.getState());
        saidAgain.inc();
        say(entry);
      }
    }
  }

  private long now() {
    return getProcessingTimeService().getCurrentProcessingTime();
  }

  @Override
  public void close() throws Exception {
    closed = true;
    if (thread != null) {
      thread.shutdownNow();
    }
    super.close();
  }
}
