package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.record.RawRecord;
import java.io.Serializable;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Stands behind a source, passes everything on, and commits to the consumer group what a completed
 * checkpoint has read. The source's own commit waits until its poll returns, on a quiet topic for
 * ten seconds, and the first model waits for it ({@link Backlog}).
 *
 * <p>The job itself goes on from its checkpoints: a commit that fails is logged and said again with
 * the next checkpoint.
 *
 * <p>A group that has read more than the state says that the job goes on from a checkpoint that is
 * not the newest: what it wrote after it is in the topics, and may come out otherwise now. Behind
 * the source of the items every row is then written again.
 */
public final class GroupOffsets extends AbstractStreamOperator<RawRecord>
    implements OneInputStreamOperator<RawRecord, RawRecord> {
  private static final Duration CLOSE = Duration.ofSeconds(5);
  private static final long UNREAD = -1;

  private final JobConfig config;
  private final String topic;
  private final Opener opener;
  private final SinkWitness.Requests requests;

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

  /** Of the state, by partition: what ended the job may have come before its commit. */
  private transient Map<Integer, Long> restored;

  private transient volatile boolean restoredCommitted;

  /** What the group has that the state has not, as the run began; empty for nothing. */
  private transient CompletableFuture<String> ahead;

  /** The request for all rows that came of it. */
  private transient CompletableFuture<Void> asked;

  private transient ExecutorService thread;

  /** Commits offsets to the group. */
  interface Commits extends AutoCloseable {
    CompletionStage<?> commit(Map<TopicPartition, OffsetAndMetadata> offsets);

    /** What the group has of a topic, by partition. */
    CompletionStage<Map<Integer, Long>> committed(String topic);

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
    this(config, topic, GroupOffsets::byAdmin, RepublishRequests::send);
  }

  GroupOffsets(JobConfig config, String topic, Opener opener, SinkWitness.Requests requests) {
    this.config = config;
    this.topic = topic;
    this.opener = opener;
    this.requests = requests;
  }

  private static Commits byAdmin(JobConfig config) {
    Admin admin = Admin.create(Topics.clientProperties(config));
    String group = config.get(JobOptions.KAFKA_GROUP);
    return new Commits() {
      @Override
      public CompletionStage<?> commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
        return admin.alterConsumerGroupOffsets(group, offsets).all().toCompletionStage();
      }

      @Override
      public CompletionStage<Map<Integer, Long>> committed(String topic) {
        return admin
            .listConsumerGroupOffsets(group)
            .partitionsToOffsetAndMetadata()
            .toCompletionStage()
            .thenApply(
                all -> {
                  Map<Integer, Long> offsets = new HashMap<>();
                  all.forEach(
                      (p, o) -> {
                        if (p.topic().equals(topic) && o != null) {
                          offsets.put(p.partition(), o.offset());
                        }
                      });
                  return offsets;
                });
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
    restored = new HashMap<>();
    if (context.isRestored()) {
      for (long[] of : state.get()) {
        restored.merge((int) of[0], of[1], Math::max);
      }
    }
    restoredCommitted = restored.isEmpty();
  }

  @Override
  public void open() throws Exception {
    super.open();
    read = new long[0];
    taken = new TreeMap<>();
    completed = read;
    committed = new AtomicReference<>(read);
    commits = opener.open(config);
    if (!restored.isEmpty() && topic.equals(Topics.items(config))) {
      // Before any subtask of this run commits.
      ahead = lookAhead();
    }
  }

  private CompletableFuture<String> lookAhead() {
    return commits.committed(topic).thenApply(this::ahead).toCompletableFuture();
  }

  private String ahead(Map<Integer, Long> group) {
    TreeMap<Integer, String> partitions = new TreeMap<>();
    restored.forEach(
        (p, offset) -> {
          long has = group.getOrDefault(p, 0L);
          if (has > offset) {
            partitions.put(p, "%d instead of %d in partition %d".formatted(offset, has, p));
          }
        });
    return String.join(", ", partitions.values());
  }

  /** Whether the group is no longer needed as it was; all rows are asked for before. */
  private boolean askedForRows() {
    if (ahead == null) {
      return true;
    }
    if (!ahead.isDone() || asked != null && !asked.isDone()) {
      return false;
    }
    try {
      String partitions = ahead.join();
      if (asked != null) {
        asked.join();
      } else if (!partitions.isEmpty()) {
        ask(partitions);
        return false;
      }
      ahead = null;
      return true;
    } catch (CompletionException e) {
      LOG.warn(
          "Whether the state is older than what group {} has read cannot be told, or rows not be asked for; tried again after the next checkpoint",
          config.get(JobOptions.KAFKA_GROUP),
          e.getCause());
      asked = null;
      ahead = lookAhead();
      return false;
    }
  }

  private void ask(String partitions) {
    String reason =
        "the job goes on from a checkpoint that is not its newest, from %s of topic %s"
            .formatted(partitions, topic);
    LOG.error("{}; everything is written again", reason);
    if (thread == null) {
      thread = Executors.newSingleThreadExecutor(r -> new Thread(r, "age of the state"));
    }
    asked =
        CompletableFuture.runAsync(
            () -> {
              try {
                requests.send(config, reason);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("ended while asking for all rows", e);
              }
            },
            thread);
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
    for (Map.Entry<Integer, Long> of : restored.entrySet()) {
      // Once it is committed another subtask may be ahead of it, who reads the partition now.
      int p = of.getKey();
      if (!restoredCommitted && (p >= read.length || read[p] == UNREAD)) {
        state.add(new long[] {p, of.getValue()});
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
    if (before == null || !askedForRows()) {
      return;
    }
    if (!restoredCommitted) {
      // Before anything that any subtask has read since; and only now, as a run that is refused
      // completes no checkpoint.
      Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
      restored.forEach(
          (p, offset) -> offsets.put(new TopicPartition(topic, p), new OffsetAndMetadata(offset)));
      say(offsets, before, before, () -> restoredCommitted = true);
    } else if (!Arrays.equals(before, completed)) {
      say(differences(before, completed), before, completed, () -> {});
    }
  }

  private void say(
      Map<TopicPartition, OffsetAndMetadata> offsets, long[] before, long[] now, Runnable then) {
    committed.set(null);
    commits
        .commit(offsets)
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                LOG.warn(
                    "Offsets of topic {} are not committed to group {}; said again with the next checkpoint",
                    topic,
                    config.get(JobOptions.KAFKA_GROUP),
                    failure);
              } else {
                then.run();
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
    if (thread != null) {
      thread.shutdownNow();
    }
    if (commits != null) {
      commits.close();
    }
    super.close();
  }
}
