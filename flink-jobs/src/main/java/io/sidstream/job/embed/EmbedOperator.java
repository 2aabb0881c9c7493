package io.sidstream.job.embed;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.ingest.Item;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.SerializableFunction;

/**
 * Gives each item its content vector; keyed by item.
 *
 * <p>A vector passes. A text waits for others, up to embed.batch of them or embed.linger, and is
 * embedded with them, unless the item was last embedded from the same text. What follows a waiting
 * text of the same item waits behind it. Nothing waits across a checkpoint barrier. The model is
 * loaded with the first text.
 */
public final class EmbedOperator extends AbstractStreamOperator<EmbeddedItem>
    implements OneInputStreamOperator<Item, EmbeddedItem> {
  /** Texts that went through the model: {@code <operator scope>.texts-embedded}. */
  public static final String EMBEDDED = "texts-embedded";

  /** Texts whose vector was known: {@code <operator scope>.texts-unchanged}. */
  public static final String UNCHANGED = "texts-unchanged";

  /** Runs of the model: {@code <operator scope>.batches}. */
  public static final String BATCHES = "batches";

  /** Items that wait to be embedded: {@code <operator scope>.waiting}. */
  public static final String WAITING = "waiting";

  private final JobConfig config;
  private final SerializableFunction<JobConfig, TextEmbedder> loader;

  private transient ValueState<EmbeddedText> state;
  private transient TextEmbedder embedder;
  private transient MessageDigest sha256;
  private transient byte[] modelName;
  private transient int batch;
  private transient long linger;
  private transient List<Waiting> waiting;
  private transient Set<String> waitingItems;
  private transient int waitingTexts;
  private transient boolean timerSet;
  private transient Counter embedded;
  private transient Counter unchanged;
  private transient Counter batches;

  /** With the model and the limits of a configuration. */
  public EmbedOperator(JobConfig config) {
    this(
        config,
        c ->
            new OnnxTextEmbedder(
                c.get(JobOptions.EMBED_MODEL),
                c.get(JobOptions.EMBED_MAX_TOKENS),
                c.get(JobOptions.EMBED_THREADS)));
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
  }

  @Override
  public void open() throws Exception {
    super.open();
    waiting = new ArrayList<>();
    waitingItems = new HashSet<>();
    sha256 = sha256();
    modelName =
        (config.get(JobOptions.EMBED_MODEL) + " " + config.get(JobOptions.EMBED_MAX_TOKENS) + " ")
            .getBytes(StandardCharsets.UTF_8);
    batch = config.get(JobOptions.EMBED_BATCH);
    linger = config.get(JobOptions.EMBED_LINGER).toMillis();
    embedded = getMetricGroup().counter(EMBEDDED);
    unchanged = getMetricGroup().counter(UNCHANGED);
    batches = getMetricGroup().counter(BATCHES);
    getMetricGroup().gauge(WAITING, () -> waiting.size());
  }

  @Override
  public void processElement(StreamRecord<Item> element) throws Exception {
    Item item = element.getValue();
    byte[] digest = item.text == null ? null : digest(item.text);
    if (!waitingItems.contains(item.item)) {
      if (item.text == null) {
        pass(item);
        return;
      }
      EmbeddedText known = state.value();
      if (known != null && Arrays.equals(known.digest, digest)) {
        unchanged.inc();
        emit(item, known.vector);
        return;
      }
    }
    waiting.add(new Waiting(item, digest));
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
        pass(next.item);
        continue;
      }
      EmbeddedText text = new EmbeddedText();
      text.digest = next.digest;
      text.vector = vectors.get(ByteBuffer.wrap(next.digest));
      state.update(text);
      emit(next.item, text.vector);
    }
    waiting.clear();
    waitingItems.clear();
    waitingTexts = 0;
  }

  /** The vectors of the waiting texts, each distinct text embedded once. */
  private Map<ByteBuffer, float[]> vectors() {
    List<ByteBuffer> digests = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    Set<ByteBuffer> seen = new HashSet<>();
    for (Waiting next : waiting) {
      if (next.digest != null && seen.add(ByteBuffer.wrap(next.digest))) {
        digests.add(ByteBuffer.wrap(next.digest));
        texts.add(next.item.text);
      }
    }
    if (embedder == null) {
      embedder = loader.apply(config);
    }
    float[][] rows = embedder.embed(texts);
    embedded.inc(rows.length);
    batches.inc();
    Map<ByteBuffer, float[]> vectors = new HashMap<>();
    for (int i = 0; i < rows.length; i++) {
      vectors.put(digests.get(i), rows[i]);
    }
    return vectors;
  }

  /** A vector or a deletion, under the item's key. */
  private void pass(Item item) {
    if (item.deleted) {
      state.clear();
    }
    emit(item, item.vector);
  }

  private void emit(Item item, float[] vector) {
    EmbeddedItem out = new EmbeddedItem();
    out.item = item.item;
    out.vector = vector;
    out.deleted = item.deleted;
    out.time = item.time;
    output.collect(new StreamRecord<>(out));
  }

  /** Names the model too: a vector of another model is not the vector of this text. */
  private byte[] digest(String text) {
    sha256.update(modelName);
    return sha256.digest(text.getBytes(StandardCharsets.UTF_8));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** An item that waits; its digest is null unless it is a text. */
  private record Waiting(Item item, byte[] digest) {}
}
