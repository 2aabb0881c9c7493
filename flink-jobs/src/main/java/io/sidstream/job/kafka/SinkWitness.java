package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.Records;
import java.io.Serializable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Utils;

/**
 * Stands before a sink, passes everything on, and remembers the last record of each transaction.
 * After a restart it looks whether those records are in the topic: a transaction that was closed by
 * the checkpoint, but whose commit came too late for the broker, is not, and the job's state takes
 * its records for written. Then it asks for all of them again ({@link RepublishRequests}).
 *
 * @param <T> what the sink is given
 */
public class SinkWitness<T> extends AbstractStreamOperator<T>
    implements OneInputStreamOperator<T, T> {
  /** Transactions that are remembered: commits that are tried again may lag some checkpoints. */
  private static final int REMEMBERED = 8;

  /** How far the clock of a broker that stamps records itself may be behind, ms. */
  private static final long BROKER_CLOCK_MS = 1_000;

  /** Time between two looks at a transaction that is open. */
  private static final long OPEN_MS = 1_000;

  private final JobConfig config;
  private final WireSerializer<T> serializer;
  private final String topic;
  private final boolean repairable;
  private final Reader reader;
  private final Requests requests;

  private transient ListState<WrittenRecord> state;

  /** Of the state that was restored, not looked up yet. */
  private transient List<WrittenRecord> doubtful;

  private transient ArrayDeque<WrittenRecord> recent;
  private transient byte[] lastKey;
  private transient T last;
  private transient long lastTime;
  private transient ExecutorService thread;
  private transient CompletableFuture<Integer> lookup;
  private transient Counter lost;

  /** Says which of some records a topic does not have. */
  @FunctionalInterface
  interface Reader extends Serializable {
    List<WrittenRecord> missing(JobConfig config, String topic, Collection<WrittenRecord> records)
        throws InterruptedException;
  }

  /** Asks for everything to be written again. */
  @FunctionalInterface
  interface Requests extends Serializable {
    void send(JobConfig config, String reason) throws InterruptedException;
  }

  /**
   * Before the sink of a topic.
   *
   * @param serializer the sink's own
   * @param repairable whether the job can write again what is lost; dead letters it cannot
   */
  public SinkWitness(JobConfig config, WireSerializer<T> serializer, boolean repairable) {
    this(config, serializer, repairable, SinkWitness::missing, RepublishRequests::send);
  }

  SinkWitness(
      JobConfig config,
      WireSerializer<T> serializer,
      boolean repairable,
      Reader reader,
      Requests requests) {
    this.config = config;
    this.serializer = serializer;
    topic = serializer.topic();
    this.repairable = repairable;
    this.reader = reader;
    this.requests = requests;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    state =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("written", Records.type(WrittenRecord.class)));
    doubtful = new ArrayList<>();
    recent = new ArrayDeque<>();
    if (context.isRestored()) {
      state.get().forEach(doubtful::add);
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    serializer.open();
    lost = JobMetric.LOST_TRANSACTIONS.counter(getRuntimeContext().getMetricGroup());
  }

  @Override
  public void processElement(StreamRecord<T> element) {
    byte[] key = serializer.key(element.getValue());
    // Where a record without a key went only the broker knows.
    if (key != null) {
      lastKey = key;
      last = element.getValue();
      lastTime = getProcessingTimeService().getCurrentProcessingTime();
    }
    output.collect(element);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    if (lastKey != null) {
      WrittenRecord written = new WrittenRecord();
      written.checkpoint = context.getCheckpointId();
      written.key = lastKey;
      written.digest = VersionsTopic.digest(serializer.bytes(last));
      written.time = lastTime;
      recent.add(written);
      lastKey = null;
      last = null;
      if (recent.size() > REMEMBERED) {
        recent.poll();
      }
    }
    List<WrittenRecord> all = new ArrayList<>(doubtful);
    all.addAll(recent);
    state.update(all);
  }

  /**
   * The first checkpoint after a restart shows that all tasks run, and so that each committer has
   * tried what the checkpoint of before had left to commit.
   */
  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    super.notifyCheckpointComplete(checkpointId);
    if (doubtful.isEmpty()) {
      return;
    }
    if (lookup == null) {
      if (thread == null) {
        thread = newThread();
      }
      List<WrittenRecord> asked = List.copyOf(doubtful);
      lookup = CompletableFuture.supplyAsync(() -> lookUp(asked), thread);
    } else if (lookup.isDone()) {
      try {
        lost.inc(lookup.join());
        doubtful.clear();
        thread.shutdown();
      } catch (CompletionException e) {
        LOG.warn(
            "Topic {} cannot be looked through for what was written before the restart; it is tried again after the next checkpoint",
            topic,
            e.getCause());
        lookup = null;
      }
    }
  }

  /** Where the topic is looked through. */
  ExecutorService newThread() {
    return Executors.newSingleThreadExecutor(r -> new Thread(r, "witness of " + topic));
  }

  private int lookUp(List<WrittenRecord> asked) {
    try {
      List<WrittenRecord> missing = reader.missing(config, topic, asked);
      if (missing.isEmpty()) {
        return 0;
      }
      String what =
          "%d transaction(s) of topic %s, the newest closed by checkpoint %d, were lost: the broker had ended them before they were committed"
              .formatted(
                  missing.size(),
                  topic,
                  missing.stream().mapToLong(w -> w.checkpoint).max().orElseThrow());
      if (repairable) {
        LOG.error("{}; everything is written again", what);
        requests.send(config, what);
      } else {
        LOG.error("{}; its records are gone", what);
      }
      return missing.size();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("ended while looking through topic " + topic, e);
    }
  }

  @Override
  public void close() throws Exception {
    if (thread != null) {
      thread.shutdownNow();
    }
    super.close();
  }

  /**
   * Those of some records of a topic that no reader of committed records has, nor will have. Waits
   * for transactions that are open, as long as one of them holds such a record: it may yet be
   * committed.
   */
  static List<WrittenRecord> missing(
      JobConfig config, String topic, Collection<WrittenRecord> records)
      throws InterruptedException {
    try (TopicTail committed = new TopicTail(config);
        TopicTail all = TopicTail.ofAll(config)) {
      int partitions = committed.partitions(topic);
      Map<Integer, List<WrittenRecord>> byPartition = new HashMap<>();
      for (WrittenRecord record : records) {
        // As Kafka's producer chooses it.
        int partition = Utils.toPositive(Utils.murmur2(record.key)) % partitions;
        byPartition.computeIfAbsent(partition, p -> new ArrayList<>()).add(record);
      }
      List<WrittenRecord> missing = new ArrayList<>();
      for (Map.Entry<Integer, List<WrittenRecord>> e : byPartition.entrySet()) {
        missing.addAll(
            missing(committed, all, new TopicPartition(topic, e.getKey()), e.getValue()));
      }
      return missing;
    }
  }

  private static List<WrittenRecord> missing(
      TopicTail committed, TopicTail all, TopicPartition partition, List<WrittenRecord> records)
      throws InterruptedException {
    long oldest = records.stream().mapToLong(w -> w.time).min().orElseThrow() - BROKER_CLOCK_MS;
    while (true) {
      Map<String, Long> found = new HashMap<>();
      Map<String, Long> open = new HashMap<>();
      committed.readSince(
          partition,
          oldest,
          all,
          r -> found.merge(name(r), latest(r), Math::max),
          r -> open.merge(name(r), latest(r), Math::max));
      List<WrittenRecord> missing = records.stream().filter(w -> !isIn(found, w)).toList();
      if (missing.stream().noneMatch(w -> isIn(open, w))) {
        return missing;
      }
      TimeUnit.MILLISECONDS.sleep(OPEN_MS);
    }
  }

  /** The latest time at which a sink can have been given a record. */
  private static long latest(ConsumerRecord<byte[], byte[]> record) {
    boolean brokers = record.timestampType() == TimestampType.LOG_APPEND_TIME;
    return record.timestamp() + (brokers ? BROKER_CLOCK_MS : 0);
  }

  /**
   * Whether one of some records can be it. The same bytes that were written before cannot: rows
   * that are written again are alike, and one that is there must not stand for one that was lost.
   */
  private static boolean isIn(Map<String, Long> latest, WrittenRecord written) {
    return latest.getOrDefault(name(written.key, written.digest), Long.MIN_VALUE) >= written.time;
  }

  private static String name(ConsumerRecord<byte[], byte[]> record) {
    return name(record.key(), VersionsTopic.digest(record.value()));
  }

  private static String name(byte[] key, long digest) {
    return VersionsTopic.digest(key) + " " + digest;
  }
}
