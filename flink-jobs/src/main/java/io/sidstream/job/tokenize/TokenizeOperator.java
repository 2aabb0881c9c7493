package io.sidstream.job.tokenize;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.FloatsType;
import io.sidstream.job.record.Rule;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.schemas.Printable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Gives every item its codes. First input: items, keyed by item. Second input: token versions,
 * broadcast.
 *
 * <p>A new or changed item is encoded at once with the newest model, in micro-batches bounded by
 * count and by time and flushed before every checkpoint barrier. On a new version all items are
 * encoded again in slices, each one mail, so that barriers and new items pass in between; items
 * keep their codes within the model's tolerance, and only items whose codes changed send a {@link
 * Claim}. When the scan is done the operator emits {@code Watermark(version)}: from here on event
 * time is the token version, so watermarks and idleness from upstream are swallowed.
 *
 * <p>No tokenizer is state of this operator: after a restart {@link NewestTokenizer} sends the
 * newest one before the first barrier, and items that are faster wait for it. A scan goes on after
 * a restart with the items whose version is still older, and the watermark of the last complete
 * scan is emitted again, because watermarks are not part of a checkpoint. Updates that arrive
 * during a scan wait for its end. Needs aligned checkpoints (the default).
 */
public class TokenizeOperator extends AbstractStreamOperator<Claim>
    implements TwoInputStreamOperator<EmbeddedItem, TokenizerUpdate, Claim> {

  private static final String CODES = "codes";
  private static final int[] NO_CODES = {};

  private final int batch;
  private final long lingerMs;
  private final int scanSlice;
  private final String itemsTopic;

  private transient ValueState<float[]> vectors;
  private transient ValueState<byte[]> codes;

  /** Per subtask: {logical clock, last complete version, items, subtask, parallelism}. */
  private transient ListState<long[]> progress;

  private transient long clock;
  private transient int complete;
  private transient TokenizerUpdate current;
  private transient TokenizerModel model;
  private transient EncodeResult encoded;
  private transient Map<String, Arrival> pending;

  /** When the oldest of them came, ms. */
  private transient long pendingSince;

  /** After a restart, what arrives before the tokenizer; null from then on. */
  private transient List<StreamRecord<EmbeddedItem>> early;

  private transient boolean timerSet;
  private transient ArrayDeque<TokenizerUpdate> queue;
  private transient Stream<String> keyStream;
  private transient Iterator<String> keys;
  private transient boolean scanning;

  /** Item events since the last slice of a scan began. */
  private transient int arrivals;

  private transient boolean closed;
  private transient MailboxExecutor mailbox;

  private transient float[] x;
  private transient int[] previous;

  private transient Counter waitingCount;
  private transient Counter encodedCount;
  private transient Counter unchangedCount;
  private transient Counter refusedCount;
  private transient Counter claimCount;
  private transient Counter releaseCount;
  private transient Histogram encodeTime;
  private transient ScanProgress scan;

  /**
   * A new or changed item.
   *
   * @param arrived as its Kafka record is dated, ms since the epoch; 0 where that is not known
   */
  private record Arrival(float[] vector, long time, long arrived) {}

  /**
   * An item to encode.
   *
   * @param arrived as in the arrival; 0 where a scan encodes it again
   */
  private record Row(String item, float[] vector, long time, long arrived, ItemCodes known) {}

  /**
   * @param batch new items encoded together, at least 1
   * @param lingerMs how long a new item waits for others, ms; 0 encodes each at once
   * @param scanSlice items encoded again in one mail, at least 1
   * @param itemsTopic name of the items topic, for dead letters
   */
  public TokenizeOperator(int batch, long lingerMs, int scanSlice, String itemsTopic) {
    if (batch < 1 || lingerMs < 0 || scanSlice < 1) {
      throw new IllegalArgumentException(
          "tokenize.batch=%d and tokenize.scan-slice=%d must be at least 1, tokenize.linger=%d ms at least 0"
              .formatted(batch, scanSlice, lingerMs));
    }
    this.batch = batch;
    this.lingerMs = lingerMs;
    this.scanSlice = scanSlice;
    this.itemsTopic = itemsTopic;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    vectors =
        context
            .getKeyedStateStore()
            .getState(new ValueStateDescriptor<>("vector", FloatsType.INSTANCE));
    codes =
        context
            .getKeyedStateStore()
            .getState(
                new ValueStateDescriptor<>(
                    CODES, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    progress =
        context
            .getOperatorStateStore()
            .getUnionListState(
                new ListStateDescriptor<>(
                    "progress", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    clock = 0;
    complete = 0;
    early = null;
    scan = new ScanProgress(getProcessingTimeService()::getCurrentProcessingTime);
    if (context.isRestored()) {
      early = new ArrayList<>();
      // The clock of an item must not go back wherever its key goes: the maximum. A version is
      // complete where all
      // subtasks had completed it: the minimum.
      int minimum = Integer.MAX_VALUE;
      List<ScanProgress.Counted> counted = new ArrayList<>();
      for (long[] subtask : progress.get()) {
        clock = Math.max(clock, subtask[0]);
        minimum = Math.min(minimum, (int) subtask[1]);
        if (subtask.length > 2) {
          counted.add(new ScanProgress.Counted(subtask[2], (int) subtask[3], (int) subtask[4]));
        }
      }
      complete = minimum == Integer.MAX_VALUE ? 0 : minimum;
      TaskInfo task = getRuntimeContext().getTaskInfo();
      scan.restore(
          counted,
          task.getIndexOfThisSubtask(),
          task.getNumberOfParallelSubtasks(),
          (double) keyGroups() / task.getMaxNumberOfParallelSubtasks());
    }
  }

  /** Key groups of this subtask. */
  private int keyGroups() {
    TaskInfo task = getRuntimeContext().getTaskInfo();
    return KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
            task.getMaxNumberOfParallelSubtasks(),
            task.getNumberOfParallelSubtasks(),
            task.getIndexOfThisSubtask())
        .getNumberOfKeyGroups();
  }

  @Override
  public void open() throws Exception {
    super.open();
    encoded = new EncodeResult(true);
    pending = new LinkedHashMap<>();
    queue = new ArrayDeque<>();
    mailbox =
        getContainingTask()
            .getMailboxExecutorFactory()
            .createExecutor(getOperatorConfig().getChainIndex());
    registerMetrics();
    if (complete > 0) {
      // As a mail, because nothing may be emitted before all operators of the task are open.
      mailbox.execute(this::sayAgain, "say version " + complete + " again");
    }
  }

  private void sayAgain() {
    if (!closed) {
      output.emitWatermark(new Watermark(complete));
    }
  }

  private void registerMetrics() {
    MetricGroup metrics = getMetricGroup();
    waitingCount = JobMetric.ITEMS_BEFORE_MODEL.counter(metrics);
    encodedCount = JobMetric.ENCODED.counter(metrics);
    unchangedCount = JobMetric.VECTORS_UNCHANGED.counter(metrics);
    refusedCount = JobMetric.VECTORS_REFUSED.counter(metrics);
    claimCount = JobMetric.CLAIMS_SENT.counter(metrics);
    releaseCount = JobMetric.RELEASES_SENT.counter(metrics);
    encodeTime = JobMetric.ENCODE_TIME.histogram(metrics);
    JobMetric.TOKENIZE_PENDING.gauge(metrics, () -> pending.size());
    JobMetric.TOKENIZE_WAITING.gauge(
        metrics, () -> pending.isEmpty() ? 0 : Math.max(0, now() - pendingSince));
    scan.register(metrics);
    JobMetric.ENCODING_VERSION.gauge(metrics, () -> current == null ? 0 : current.version);
    JobMetric.SCANNED_VERSION.gauge(metrics, () -> complete);
  }

  private long now() {
    return getProcessingTimeService().getCurrentProcessingTime();
  }

  /** What slices of a scan are measured by. */
  long nanos() {
    return System.nanoTime();
  }

  // ---- items

  @Override
  public void processElement1(StreamRecord<EmbeddedItem> element) throws Exception {
    if (early != null) {
      early.add(element.copy(element.getValue()));
    } else {
      arrived(element);
    }
  }

  /** What came before the tokenizer; there is none where nothing had a token yet. */
  private void takeEarly() throws Exception {
    if (early != null) {
      List<StreamRecord<EmbeddedItem>> events = early;
      early = null;
      for (StreamRecord<EmbeddedItem> event : events) {
        setCurrentKey(event.getValue().item);
        arrived(event);
      }
    }
  }

  private void arrived(StreamRecord<EmbeddedItem> element) throws Exception {
    EmbeddedItem event = element.getValue();
    arrivals++;
    if (event.deleted) {
      delete(event);
    } else if (model == null) {
      ItemCodes known = ItemCodes.fromBytes(codes.value());
      requireNoToken(event.item, known);
      count(known);
      vectors.update(event.vector);
      codes.update(ItemCodes.waiting(event.time).toBytes());
      waitingCount.inc();
    } else {
      long arrived = element.hasTimestamp() ? element.getTimestamp() : 0;
      if (pending.isEmpty()) {
        pendingSince = now();
      }
      pending.put(event.item, new Arrival(event.vector, event.time, arrived));
      if (pending.size() >= batch || lingerMs == 0) {
        flush();
      } else if (!timerSet) {
        timerSet = true;
        getProcessingTimeService()
            .registerTimer(
                now() + lingerMs,
                time -> {
                  timerSet = false;
                  flush();
                });
      }
    }
  }

  private void delete(EmbeddedItem event) throws Exception {
    pending.remove(event.item);
    ItemCodes known = ItemCodes.fromBytes(codes.value());
    if (model == null) {
      requireNoToken(event.item, known);
    }
    if (known != null && known.codes() != null) {
      release(event.item, known.codes(), true, event.time);
    } else if (model != null) {
      // A run that went on from a newer checkpoint than this one may have given it a row.
      emit(unknownDeletion(event.item, event.time));
    }
    if (known != null) {
      scan.removed();
    }
    codes.clear();
    vectors.clear();
  }

  /** An item is given codes, or waits for them. */
  private void count(ItemCodes known) {
    if (known == null) {
      scan.added();
    }
  }

  private static void requireNoToken(String item, ItemCodes known) {
    if (known != null && known.codes() != null) {
      throw new IllegalStateException(
          "item '"
              + item
              + "' has codes of token version "
              + known.version()
              + ", but no tokenizer came before the first checkpoint: the state of Newest tokenizer and that of Tokenize are not of one checkpoint; go on from another one");
    }
  }

  /** Encodes the items that wait for their micro-batch. */
  private void flush() throws Exception {
    if (pending.isEmpty()) {
      return;
    }
    List<Row> rows = new ArrayList<>(pending.size());
    for (Map.Entry<String, Arrival> e : pending.entrySet()) {
      setCurrentKey(e.getKey());
      Arrival arrival = e.getValue();
      ItemCodes known = ItemCodes.fromBytes(codes.value());
      if (known != null
          && known.codes() != null
          && Arrays.equals(arrival.vector, vectors.value())) {
        unchangedCount.inc();
        continue;
      }
      rows.add(new Row(e.getKey(), arrival.vector, arrival.time, arrival.arrived, known));
    }
    pending.clear();
    long start = System.nanoTime();
    rows = encode(rows, false);
    if (!rows.isEmpty()) {
      encodeTime.update((System.nanoTime() - start) / 1_000);
    }
    for (int i = 0; i < rows.size(); i++) {
      setCurrentKey(rows.get(i).item);
      vectors.update(rows.get(i).vector);
      settle(rows.get(i), i);
    }
  }

  /**
   * Encodes rows. A changed vector gets its nearest codes; stickiness is for vectors that did not
   * change, so that a refined model does not move them.
   *
   * <p>A vector that the model cannot encode, because its numbers overflow, would fail again after
   * every restart: its item goes to the dead letters and keeps what it has, a token of before or
   * none.
   *
   * @return the rows that were encoded, in their order
   */
  private List<Row> encode(List<Row> rows, boolean sticky) throws Exception {
    List<Row> good = rows;
    try {
      encodeAll(rows, sticky);
    } catch (IllegalArgumentException e) {
      // The codes of a row do not depend on the other rows.
      good = new ArrayList<>(rows.size());
      for (Row row : rows) {
        try {
          encodeAll(List.of(row), sticky);
          good.add(row);
        } catch (IllegalArgumentException ofRow) {
          refuse(row);
        }
      }
      encodeAll(good, sticky);
    }
    encodedCount.inc(good.size());
    return good;
  }

  private void refuse(Row row) throws Exception {
    double square = 0;
    for (float value : row.vector) {
      square += (double) value * value;
    }
    String reason =
        "the vector, of norm %s, overflows in token version %d; expected: numbers of the size of other items' (see ingest.max-vector-norm). The item keeps %s"
            .formatted(
                Math.sqrt(square),
                current.version,
                row.known != null && row.known.codes() != null
                    ? "the token that it has"
                    : "no token");
    LOG.warn("Item '{}': {}", Printable.of(row.item), reason);
    refusedCount.inc();
    output.collect(
        DeadLetterRecord.DEAD_LETTERS,
        new StreamRecord<>(
            DeadLetterRecord.of(
                itemsTopic,
                row.item,
                Rule.VECTOR_NOT_ENCODABLE,
                reason,
                row.time,
                getProcessingTimeService().getCurrentProcessingTime())));
  }

  private void encodeAll(List<Row> rows, boolean sticky) {
    int n = rows.size();
    if (n == 0) {
      return;
    }
    int d = model.inputDim();
    int levels = model.levels();
    if (x == null || x.length < n * d) {
      x = new float[n * d];
    }
    if (sticky && (previous == null || previous.length < n * levels)) {
      previous = new int[n * levels];
    }
    for (int i = 0; i < n; i++) {
      Row row = rows.get(i);
      if (row.vector.length != d) {
        throw new IllegalStateException(
            "item '%s' has a vector of %d numbers, token version %d needs %d: set content.dim to that of the model"
                .formatted(row.item, row.vector.length, current.version, d));
      }
      System.arraycopy(row.vector, 0, x, i * d, d);
      if (sticky) {
        for (int l = 0; l < levels; l++) {
          boolean has = row.known.codes() != null && row.known.codes().length == levels;
          previous[i * levels + l] = has ? row.known.codes()[l] : -1;
        }
      }
    }
    model.encode(x, n, sticky ? previous : null, encoded);
  }

  /**
   * Sends what the new codes of a row (the current key) mean, and remembers them; whether a claim
   * was sent.
   */
  private boolean settle(Row row, int i) throws Exception {
    int levels = model.levels();
    int[] chosen = Arrays.copyOfRange(encoded.codes, i * levels, (i + 1) * levels);
    count(row.known);
    int[] old = row.known == null ? null : row.known.codes();
    boolean changed = !Arrays.equals(old, chosen);
    if (changed) {
      if (old != null && !Arrays.equals(prefix(old), prefix(chosen))) {
        release(row.item, old, false, row.time);
      }
      claim(row, chosen, i);
    }
    codes.update(new ItemCodes(current.version, row.time, chosen).toBytes());
    return changed;
  }

  private static int[] prefix(int[] codes) {
    return Arrays.copyOf(codes, Math.max(0, codes.length - 1));
  }

  private void claim(Row row, int[] chosen, int i) {
    Claim claim = message(row.item, chosen, row.time);
    int levels = chosen.length;
    claim.arrived = row.arrived;
    claim.chosen = chosen[levels - 1];
    claim.lastDistances = encoded.lastDistances(i);
    claim.distances = Arrays.copyOfRange(encoded.distances, i * levels, (i + 1) * levels);
    claim.margins = Arrays.copyOfRange(encoded.margins, i * levels, (i + 1) * levels);
    claimCount.inc();
    emit(claim);
  }

  private void release(String item, int[] old, boolean deleted, long time) {
    Claim release = message(item, old, time);
    release.release = true;
    release.deleted = deleted;
    releaseCount.inc();
    emit(release);
  }

  private Claim unknownDeletion(String item, long time) {
    Claim release = message(item, NO_CODES, time);
    release.release = true;
    release.deleted = true;
    return release;
  }

  private Claim message(String item, int[] itemCodes, long time) {
    Claim claim = new Claim();
    claim.item = item;
    claim.seq = ++clock;
    claim.version = current.version;
    claim.revision = current.revision;
    claim.prefix = prefix(itemCodes);
    claim.time = time;
    return claim;
  }

  private void emit(Claim claim) {
    output.collect(new StreamRecord<>(claim, claim.version));
  }

  // ---- versions

  @Override
  public void processElement2(StreamRecord<TokenizerUpdate> element) throws Exception {
    TokenizerUpdate update = element.getValue();
    if (current == null && update.version == complete) {
      // After a restart; all items have its codes.
      use(update);
      takeEarly();
      return;
    }
    int newest =
        queue.isEmpty() ? (current == null ? complete : current.version) : queue.peekLast().version;
    if (update.version <= newest) {
      // A trainer that was restored may send the version again that is in use.
      return;
    }
    queue.add(update);
    if (!scanning) {
      startNextScan();
    }
  }

  private void use(TokenizerUpdate update) {
    model = TokenizerModel.fromBytes(update.tokenizer);
    current = update;
  }

  private void startNextScan() throws Exception {
    if (scanning || queue.isEmpty()) {
      return;
    }
    use(queue.poll());
    scanning = true;
    keyStream =
        getKeyedStateBackend()
            .<VoidNamespace>getKeys(CODES, VoidNamespace.INSTANCE)
            .map(String.class::cast);
    if (!"rocksdb".equals(getKeyedStateBackend().getBackendTypeIdentifier())) {
      // Only RocksDB iterates over a snapshot; a heap table must not be written to meanwhile. Its
      // keys are in memory
      // anyway, so that a list of them costs little.
      List<String> all = keyStream.toList();
      scan.counted(all.size());
      keyStream.close();
      keyStream = all.stream();
    }
    keys = keyStream.iterator();
    scan.begin();
    LOG.info("Scan for token version {} starts", current.version);
    mailbox.execute(this::scanSlice, "scan for token version " + current.version);
    takeEarly();
  }

  /** A slice of the scan, and what follows it: barriers and new items are processed in between. */
  private void scanSlice() throws Exception {
    if (closed || !scanning) {
      return;
    }
    boolean busy = arrivals > 0;
    arrivals = 0;
    long start = nanos();
    encodeSlice();
    if (!keys.hasNext()) {
      endScan();
    } else if (busy) {
      // While a mail waits, a task processes one record before it runs the mail. A pause as long as
      // the slice leaves half of the time to the items that arrive, and to the barriers behind
      // them.
      long pause = Math.max(1, (nanos() - start) / 1_000_000);
      getProcessingTimeService().registerTimer(now() + pause, time -> scanSlice());
    } else {
      mailbox.execute(this::scanSlice, "scan for token version " + current.version);
    }
  }

  /** Encodes the next items of the scan again. */
  private void encodeSlice() throws Exception {
    List<Row> rows = new ArrayList<>(scanSlice);
    for (int seen = 0; seen < scanSlice && keys.hasNext(); seen++) {
      String item = keys.next();
      setCurrentKey(item);
      scan.visited();
      ItemCodes known = ItemCodes.fromBytes(codes.value());
      // Gone since the scan began, or encoded with this version already.
      if (known == null || (known.version() >= current.version && known.codes() != null)) {
        continue;
      }
      rows.add(new Row(item, vectors.value(), known.time(), 0, known));
    }
    rows = encode(rows, true);
    for (int i = 0; i < rows.size(); i++) {
      setCurrentKey(rows.get(i).item);
      if (settle(rows.get(i), i)) {
        scan.moved();
      }
    }
  }

  private void endScan() throws Exception {
    flush();
    closeKeys();
    scanning = false;
    complete = current.version;
    scan.end();
    LOG.info("Scan for token version {} is complete: {}", complete, scan);
    output.emitWatermark(new Watermark(complete));
    startNextScan();
  }

  private void closeKeys() {
    if (keyStream != null) {
      keyStream.close();
      keyStream = null;
      keys = null;
    }
  }

  // ---- time and state

  @Override
  public void processWatermark1(Watermark mark) {}

  @Override
  public void processWatermark2(Watermark mark) {}

  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int index) {}

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    takeEarly();
    flush();
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    TaskInfo task = getRuntimeContext().getTaskInfo();
    progress.update(
        List.of(
            new long[] {
              clock,
              complete,
              scan.items(),
              task.getIndexOfThisSubtask(),
              task.getNumberOfParallelSubtasks()
            }));
  }

  /** All inputs have ended: what is pending is encoded and what is scanned is finished. */
  @Override
  public void finish() throws Exception {
    takeEarly();
    flush();
    while (scanning) {
      encodeSlice();
      if (!keys.hasNext()) {
        endScan();
      }
    }
    super.finish();
  }

  @Override
  public void close() throws Exception {
    closed = true;
    closeKeys();
    super.close();
  }
}
