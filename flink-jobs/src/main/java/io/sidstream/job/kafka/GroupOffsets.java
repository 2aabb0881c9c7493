package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.record.RawRecord;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Stands behind a source, passes everything on, and commits to the consumer group what a completed
 * checkpoint has read. The source's own commit waits until its poll returns, on a quiet topic for
 * ten seconds, and the first model waits for it ({@link Backlog}).
 *
 * <p>The job itself goes on from its checkpoints: a commit that fails is logged and said again with
 * the next checkpoint.
 */
public final class GroupOffsets extends AbstractStreamOperator<RawRecord>
    implements OneInputStreamOperator<RawRecord, RawRecord> {
  private static final Duration CLOSE = Duration.ofSeconds(5);
  private static final Duration RESTORED = Duration.ofSeconds(5);
  private static final long UNREAD = -1;

  private final JobConfig config;
  private final String topic;
  private final Opener opener;

  /** By partition: the offset behind the last record read. */
  private transient long[] read;

  /** The same by checkpoint that is not complete yet. */
  private transient TreeMap<Long, long[]> taken;

  private transient long[] completed;

  /** What the group has; null while a commit is under way. */
  private transient AtomicReference<long[]> committed;

  private transient Commits commits;

  /** Elements are partition and offset. */
  private transient ListState<long[]> state;

  /** Of the state, and not known to be committed. */
  private transient List<long[]> restored;

  /** Commits offsets to the group. */
  interface Commits extends AutoCloseable {
    CompletionStage<?> commit(Map<TopicPartition, OffsetAndMetadata> offsets);

    @Override
    void close();
  }

  /** Opens a client. */
  @FunctionalInterface
  interface Opener extends Serializable {
    Commits open(JobConfig config);
  }

  /** Behind the source of a topic. */
  public GroupOffsets(JobConfig config, String topic) {
    this(config, topic, GroupOffsets::byAdmin);
  }

  GroupOffsets(JobConfig config, String topic, Opener opener) {
    this.config = config;
    this.topic = topic;
    this.opener = opener;
  }

  private static Commits byAdmin(JobConfig config) {
    Properties properties = config.kafkaProperties();
    properties.put(
        AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, config.get(JobOptions.KAFKA_BOOTSTRAP));
    Admin admin = Admin.create(properties);
    String group = config.get(JobOptions.KAFKA_GROUP);
    return new Commits() {
      @Override
      public CompletionStage<?> commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
        return admin.alterConsumerGroupOffsets(group, offsets).all().toCompletionStage();
      }

      @Override
      public void close() {
        // What is under way is waited for.
        admin.close(CLOSE);
      }
    };
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    state =
        context
            .getOperatorStateStore()
            .getListState(
                new ListStateDescriptor<>(
                    "offsets", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    restored = new ArrayList<>();
    if (context.isRestored()) {
      state.get().forEach(restored::add);
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    read = new long[0];
    taken = new TreeMap<>();
    completed = read;
    committed = new AtomicReference<>(read);
    commits = opener.open(config);
    sayRestored();
  }

  /**
   * Says what was read before a restart, as what ended the job may have come before its commit.
   * Here, because no checkpoint completes before every subtask is open: who reads these partitions
   * now says later ones.
   */
  private void sayRestored() throws InterruptedException {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (long[] of : restored) {
      offsets.merge(
          new TopicPartition(topic, (int) of[0]),
          new OffsetAndMetadata(of[1]),
          (a, b) -> a.offset() < b.offset() ? b : a);
    }
    if (offsets.isEmpty()) {
      return;
    }
    try {
      commits.commit(offsets).toCompletableFuture().get(RESTORED.toMillis(), TimeUnit.MILLISECONDS);
      // Another subtask may read the partition now, and this one's offset grow old.
      restored.clear();
    } catch (ExecutionException | TimeoutException e) {
      notCommitted(e);
    }
  }

  private void notCommitted(Throwable failure) {
    LOG.warn(
        "Offsets of topic {} are not committed to group {}; said again with a later checkpoint",
        topic,
        config.get(JobOptions.KAFKA_GROUP),
        failure);
  }

  @Override
  public void processElement(StreamRecord<RawRecord> element) {
    RawRecord record = element.getValue();
    if (record.partition >= read.length) {
      int from = read.length;
      read = Arrays.copyOf(read, record.partition + 1);
      Arrays.fill(read, from, read.length, UNREAD);
    }
    read[record.partition] = record.offset + 1;
    output.collect(element);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    taken.put(context.getCheckpointId(), read.clone());
    state.clear();
    for (long[] of : restored) {
      if (of[0] >= read.length || read[(int) of[0]] == UNREAD) {
        state.add(of);
      }
    }
    for (int p = 0; p < read.length; p++) {
      if (read[p] != UNREAD) {
        state.add(new long[] {p, read[p]});
      }
    }
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    super.notifyCheckpointComplete(checkpointId);
    Map.Entry<Long, long[]> of = taken.floorEntry(checkpointId);
    if (of != null) {
      completed = of.getValue();
      taken.headMap(checkpointId, true).clear();
    }
    // One at a time, or a commit that is tried again could undo a later one.
    long[] before = committed.get();
    if (before == null || Arrays.equals(before, completed)) {
      return;
    }
    committed.set(null);
    long[] now = completed;
    commits
        .commit(differences(before, now))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                notCommitted(failure);
              }
              committed.set(failure == null ? now : before);
            });
  }

  private Map<TopicPartition, OffsetAndMetadata> differences(long[] before, long[] now) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (int p = 0; p < now.length; p++) {
      if (now[p] != UNREAD && (p >= before.length || now[p] != before[p])) {
        offsets.put(new TopicPartition(topic, p), new OffsetAndMetadata(now[p]));
      }
    }
    return offsets;
  }

  @Override
  public void close() throws Exception {
    if (commits != null) {
      commits.close();
    }
    super.close();
  }
}
