package io.sidstream.job.embed;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Item;
import io.sidstream.model.file.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.SerializableFunction;

/**
 * Gives each item its content vector; keyed by item.
 *
 * <p>A vector passes. A text waits for others, up to embed.batch of them or embed.linger, and is
 * embedded with them, unless the item was last embedded from the same text. What follows a waiting
 * text of the same item waits behind it. Nothing waits across a checkpoint barrier. The model is
 * loaded with the first text.
 *
 * <p>With items.retention R, an item that shows no sign of life (an event of its own, or a touch:
 * an interaction with it) for R is evicted: a deletion goes downstream, and nothing of it stays.
 * The time is that of arrival, so that a replay of old events evicts nothing. Signs of life within
 * R / 16 of the last one that was written down are not written down, so an item goes between R and
 * 17 R / 16 after its last. For R / 16 after a start nothing is evicted: a job that was down must
 * first see what happened meanwhile. A touch never makes an item known. Known items are noted
 * without R too, so that R may be set, changed or taken away on the state of a job; where it was
 * not set before, idleness counts from the start that sets it.
 */
public final class EmbedOperator extends AbstractStreamOperator<EmbeddedItem>
    implements OneInputStreamOperator<Item, EmbeddedItem>, Triggerable<String, VoidNamespace> {
  /** Texts whose vectors are kept for equal ones; some 1.5 KB each. */
  private static final int RECENT = 1024;

  private final JobConfig config;
  private final SerializableFunction<JobConfig, TextEmbedder> loader;

  private transient ValueState<EmbeddedText> state;
  private transient ValueStateDescriptor<LastSeen> lastSeenDescriptor;
  private transient ValueState<LastSeen> lastSeen;

  /** items.retention of the job that left the state, ms; 0 for never. */
  private transient ListState<Long> retentionState;

  private transient InternalTimerService<VoidNamespace> timers;
  private transient long retention;
  private transient long slack;
  private transient long evictFrom;
  private transient TextEmbedder embedder;

  /** By digest, the vectors of the texts that were embedded last, of whatever item. */
  private transient Map<ByteBuffer, float[]> recent;

  private transient MessageDigest sha256;
  private transient byte[] modelName;
  private transient int batch;
  private transient long linger;
  private transient List<Waiting> waiting;

  /** When the first of them came, ms. */
  private transient long waitingSince;

  private transient Set<String> waitingItems;
  private transient int waitingTexts;
  private transient boolean timerSet;
  private transient Counter embedded;
  private transient Counter unchanged;
  private transient Counter batches;
  private transient Counter evicted;
  private transient Histogram time;

  /** With the model and the limits of a configuration. */
  public EmbedOperator(JobConfig config) {
    this(config, c -> new OnnxTextEmbedder(TextModel.of(c), c.get(JobOptions.EMBED_THREADS)));
  }

  EmbedOperator(JobConfig config, SerializableFunction<JobConfig, TextEmbedder> loader) {
    this.config = config;
    this.loader = loader;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    state =
        context
            .getKeyedStateStore()
            .getState(new ValueStateDescriptor<>("text", TypeInformation.of(EmbeddedText.class)));
    lastSeenDescriptor =
        new ValueStateDescriptor<>("last-seen", TypeInformation.of(LastSeen.class));
    lastSeen = context.getKeyedStateStore().getState(lastSeenDescriptor);
    retentionState =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("retention", Types.LONG));
  }

  @Override
  public void open() throws Exception {
    super.open();
    recent =
        new LinkedHashMap<>() {
          @Override
          protected boolean removeEldestEntry(Map.Entry<ByteBuffer, float[]> eldest) {
            return size() > RECENT;
          }
        };
    waiting = new ArrayList<>();
    waitingItems = new HashSet<>();
    sha256 = Sha256.start();
    modelName = TextModel.of(config).identity().getBytes(StandardCharsets.UTF_8);
    batch = config.get(JobOptions.EMBED_BATCH);
    linger = config.get(JobOptions.EMBED_LINGER).toMillis();
    embedded = JobMetric.TEXTS_EMBEDDED.counter(getMetricGroup());
    unchanged = JobMetric.TEXTS_UNCHANGED.counter(getMetricGroup());
    batches = JobMetric.EMBED_BATCHES.counter(getMetricGroup());
    evicted = JobMetric.EVICTED_ITEMS.counter(getMetricGroup());
    time = JobMetric.EMBED_TIME.histogram(getMetricGroup());
    JobMetric.EMBED_WAITING.gauge(getMetricGroup(), () -> waiting.size());
    JobMetric.EMBED_WAITING_FOR.gauge(getMetricGroup(), this::waitingForMs);
    retention = config.get(JobOptions.ITEMS_RETENTION).toMillis();
    slack = retention / 16;
    evictFrom = getProcessingTimeService().getCurrentProcessingTime() + slack;
    timers = getInternalTimerService("idle", VoidNamespaceSerializer.INSTANCE, this);
    long before = 0;
    for (long restored : retentionState.get()) {
      before = restored;
    }
    if (before != retention) {
      retime(before == 0);
    }
  }

  private long waitingForMs() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    return waiting.isEmpty() ? 0 : Math.max(0, now - waitingSince);
  }

  @Override
  public void processElement(StreamRecord<Item> element) throws Exception {
    Item item = element.getValue();
    if (item.touched) {
      seen(false);
      return;
    }
    byte[] digest = item.text == null ? null : digest(item.text);
    if (!waitingItems.contains(item.item)) {
      if (item.text == null) {
        pass(item, arrived(element));
        return;
      }
      EmbeddedText known = state.value();
      if (known != null && Arrays.equals(known.digest, digest)) {
        unchanged.inc();
        emit(item, known.vector, arrived(element));
        return;
      }
    }
    if (waiting.isEmpty()) {
      waitingSince = getProcessingTimeService().getCurrentProcessingTime();
    }
    waiting.add(new Waiting(item, digest, arrived(element)));
    waitingItems.add(item.item);
    if (item.text != null && ++waitingTexts >= batch) {
      flush();
    } else if (!timerSet) {
      timerSet = true;
      long due = getProcessingTimeService().getCurrentProcessingTime() + linger;
      getProcessingTimeService()
          .registerTimer(
              due,
              time -> {
                timerSet = false;
                flush();
              });
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    super.prepareSnapshotPreBarrier(checkpointId);
    flush();
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    retentionState.update(List.of(retention));
  }

  /** The item of the timer may be idle: evicts it if so, else looks again when it may be. */
  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    String item = timer.getKey();
    long now = getProcessingTimeService().getCurrentProcessingTime();
    LastSeen seen = lastSeen.value();
    if (waitingItems.contains(item)) {
      seen.time = now;
    }
    if (now < due(seen)) {
      setTimer(seen);
      lastSeen.update(seen);
      return;
    }
    Item gone = new Item();
    gone.item = item;
    gone.deleted = true;
    gone.time = now;
    pass(gone, 0);
    evicted.inc();
  }

  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("Embed sets no event-time timers");
  }

  /**
   * The item of the current key shows a sign of life.
   *
   * @param event whether it is an event, which makes the item known; a touch does not
   */
  private void seen(boolean event) throws Exception {
    LastSeen seen = lastSeen.value();
    long now = getProcessingTimeService().getCurrentProcessingTime();
    if (seen == null ? !event : retention == 0 || now - seen.time <= slack) {
      return;
    }
    if (seen == null) {
      seen = new LastSeen();
    }
    seen.time = now;
    if (retention > 0 && seen.due == 0) {
      setTimer(seen);
    }
    lastSeen.update(seen);
  }

  /** Forgets the item of the current key. */
  private void forget() throws Exception {
    LastSeen seen = lastSeen.value();
    if (seen != null && seen.due != 0) {
      timers.deleteProcessingTimeTimer(VoidNamespace.INSTANCE, seen.due);
    }
    lastSeen.clear();
    state.clear();
  }

  /** When an item is evicted that shows no more sign of life. */
  private long due(LastSeen seen) {
    return Math.max(seen.time + retention + slack, evictFrom);
  }

  private void setTimer(LastSeen seen) {
    seen.due = due(seen);
    timers.registerProcessingTimeTimer(VoidNamespace.INSTANCE, seen.due);
  }

  /**
   * Sets the timers of all items anew: the job that left the state had another items.retention.
   *
   * @param fromNow whether idleness counts from now: that job noted no signs of life
   */
  private void retime(boolean fromNow) throws Exception {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    this.<String>getKeyedStateBackend()
        .applyToAllKeys(
            VoidNamespace.INSTANCE,
            VoidNamespaceSerializer.INSTANCE,
            lastSeenDescriptor,
            (item, known) -> {
              LastSeen seen = known.value();
              if (seen.due != 0) {
                timers.deleteProcessingTimeTimer(VoidNamespace.INSTANCE, seen.due);
                seen.due = 0;
              }
              if (fromNow) {
                seen.time = now;
              }
              if (retention > 0) {
                setTimer(seen);
              }
              known.update(seen);
            });
  }

  @Override
  public void finish() throws Exception {
    flush();
    super.finish();
  }

  @Override
  public void close() throws Exception {
    if (embedder != null) {
      embedder.close();
      embedder = null;
    }
    super.close();
  }

  private void flush() throws Exception {
    if (waiting.isEmpty()) {
      return;
    }
    Map<ByteBuffer, float[]> vectors = vectors();
    for (Waiting next : waiting) {
      setCurrentKey(next.item.item);
      if (next.digest == null) {
        pass(next.item, next.arrived);
        continue;
      }
      EmbeddedText text = new EmbeddedText();
      text.digest = next.digest;
      text.vector = vectors.get(ByteBuffer.wrap(next.digest));
      state.update(text);
      emit(next.item, text.vector, next.arrived);
    }
    waiting.clear();
    waitingItems.clear();
    waitingTexts = 0;
  }

  /**
   * The vectors of the waiting texts, each distinct text embedded once, and none that another item
   * has had lately.
   */
  private Map<ByteBuffer, float[]> vectors() {
    Map<ByteBuffer, float[]> vectors = new HashMap<>();
    List<ByteBuffer> digests = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    Set<ByteBuffer> seen = new HashSet<>();
    for (Waiting next : waiting) {
      if (next.digest == null) {
        continue;
      }
      ByteBuffer digest = ByteBuffer.wrap(next.digest);
      float[] known = recent.get(digest);
      if (known != null) {
        vectors.put(digest, known);
        unchanged.inc();
      } else if (seen.add(digest)) {
        digests.add(digest);
        texts.add(next.item.text);
      }
    }
    if (texts.isEmpty()) {
      return vectors;
    }
    if (embedder == null) {
      embedder = loader.apply(config);
    }
    long start = System.nanoTime();
    float[][] rows = embedder.embed(texts);
    time.update((System.nanoTime() - start) / 1_000_000);
    embedded.inc(rows.length);
    batches.inc();
    for (int i = 0; i < rows.length; i++) {
      vectors.put(digests.get(i), rows[i]);
      recent.put(digests.get(i), rows[i]);
    }
    return vectors;
  }

  /** A vector or a deletion, under the item's key. */
  private void pass(Item item, long arrived) throws Exception {
    if (item.deleted) {
      forget();
    }
    emit(item, item.vector, arrived);
  }

  /**
   * When the record of an item came, which goes on as the timestamp of the Flink record: it costs
   * the item's state nothing, in whichever operator.
   */
  private static long arrived(StreamRecord<Item> element) {
    return element.hasTimestamp() ? element.getTimestamp() : 0;
  }

  private void emit(Item item, float[] vector, long arrived) throws Exception {
    if (!item.deleted) {
      seen(true);
    }
    EmbeddedItem out = new EmbeddedItem();
    out.item = item.item;
    out.vector = vector;
    out.deleted = item.deleted;
    out.time = item.time;
    output.collect(arrived > 0 ? new StreamRecord<>(out, arrived) : new StreamRecord<>(out));
  }

  /** Names the model too: a vector of another model is not the vector of this text. */
  private byte[] digest(String text) {
    sha256.update(modelName);
    return sha256.digest(text.getBytes(StandardCharsets.UTF_8));
  }

  /** An item that waits; its digest is null unless it is a text. */
  private record Waiting(Item item, byte[] digest, long arrived) {}
}
