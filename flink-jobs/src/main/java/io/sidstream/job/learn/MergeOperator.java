package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.learn.MergeProgress.Phase;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.ShardRound;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.VersionRecord;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/**
 * Makes one model of what the shards' rounds came to, and has the gate judge it; one subtask.
 *
 * <p>The pieces of a round are put into state as they come. When all are there they are merged,
 * judged and made into records on a thread of its own, and the records are sent in slices. A
 * restart in the middle does it again and sends what was not sent: the same pieces give the same
 * records. What was sent back to the shards last is sent once more after a restart, in case it was
 * lost; a shard that has it passes it over.
 */
public class MergeOperator extends AbstractStreamOperator<TokenizerUpdate>
    implements OneInputStreamOperator<MergeInput, TokenizerUpdate> {

  /** Pieces of the model, for the models topic. */
  public static final OutputTag<ModelPart> MODELS =
      new OutputTag<>("models", Records.type(ModelPart.class));

  /** ID embeddings that a round changed. */
  public static final OutputTag<IdEmbedding> ID_EMBEDDINGS =
      new OutputTag<>("id-embeddings", Records.type(IdEmbedding.class));

  /** BEGIN, HELD and REVISION records. */
  public static final OutputTag<VersionRecord> VERSIONS =
      new OutputTag<>("versions", Records.type(VersionRecord.class));

  /** There is one. */
  static final Integer KEY = 0;

  /** Longest turn of the operator's thread, ms. */
  private static final long SLICE_MS = 20;

  private final JobConfig config;

  private transient LearnPlan plan;
  private transient ValueState<MergeProgress> progressState;
  private transient MapState<Long, byte[]> pieces;
  private transient MapState<Long, RoundPiece> early;
  private transient MapState<Integer, byte[]> inUse;
  private transient MapState<Integer, byte[]> last;
  private transient PublishedParts published;

  /** By item, the ID embedding that changed since the last publication. */
  private transient MapState<String, IdEmbedding> keptBack;

  private transient Iterator<Map.Entry<String, IdEmbedding>> keptBackLeft;
  private transient MergeProgress at;
  private transient boolean dirty;
  private transient ExecutorService thread;
  private transient MailboxExecutor mailbox;
  private transient List<ByteArrayOutputStream> read;
  private transient int readShard;
  private transient int readPiece;
  private transient boolean judging;
  private transient RoundRecords records;
  private transient boolean queued;
  private transient boolean restored;

  /** Whether a restart was in the middle of what a round sends: what was sent may be lost. */
  private transient boolean sendsBackAgain;

  private transient volatile boolean closed;
  private transient volatile MergeProgress shown;
  private transient MergeMetrics metrics;

  /** Of a configuration. */
  public MergeOperator(JobConfig config) {
    this.config = config;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    plan = LearnSettings.plan(config);
    var store = context.getKeyedStateStore();
    progressState =
        store.getState(
            new ValueStateDescriptor<>("progress", TypeInformation.of(MergeProgress.class)));
    pieces =
        store.getMapState(
            new MapStateDescriptor<>(
                "pieces", Types.LONG, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    early =
        store.getMapState(
            new MapStateDescriptor<>("early", Types.LONG, TypeInformation.of(RoundPiece.class)));
    inUse = store.getMapState(bytes("in-use"));
    last = store.getMapState(bytes("last"));
    keptBack =
        store.getMapState(
            new MapStateDescriptor<>("kept-back", Types.STRING, Records.type(IdEmbedding.class)));
    published =
        new PublishedParts(
            store.getMapState(
                new MapStateDescriptor<>(
                    "published", Types.STRING, Records.type(ModelPart.class))));
    setCurrentKey(KEY);
    at = progressState.value();
    if (at == null) {
      at = new MergeProgress();
      at.came = new int[plan.shards()];
      at.pieces = new int[plan.shards()];
    } else {
      restored = true;
      at = at.copy();
    }
  }

  private static MapStateDescriptor<Integer, byte[]> bytes(String name) {
    return new MapStateDescriptor<>(
        name, Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
  }

  @Override
  public void open() throws Exception {
    super.open();
    thread = newThread();
    mailbox =
        getContainingTask()
            .getMailboxExecutorFactory()
            .createExecutor(getOperatorConfig().getChainIndex());
    shown = at.copy();
    metrics =
        new MergeMetrics(
            getMetricGroup(), plan.model().levels(), plan.model().codewords(), () -> shown);
    if (restored) {
      // As a mail, because nothing may be sent before all operators of the task are open.
      mailbox.execute(this::resume, "resume after round " + at.round);
    }
  }

  /** Where rounds are judged. */
  ExecutorService newThread() {
    return Executors.newSingleThreadExecutor(
        work -> {
          Thread t = new Thread(work, "merge-" + getOperatorID());
          t.setDaemon(true);
          t.setContextClassLoader(getUserCodeClassloader());
          return t;
        });
  }

  /** What turns are measured by. */
  long nanos() {
    return System.nanoTime();
  }

  private void resume() throws Exception {
    setCurrentKey(KEY);
    if (at.lastRound > 0) {
      sendBack();
    }
    sendsBackAgain = (at.phase == Phase.JUDGE || at.phase == Phase.EMIT) && at.sent > 0;
    if (at.phase == Phase.GATHER && Arrays.stream(at.came).sum() > 0) {
      // It may have been lost with its transaction, and a shard without new events hears no other.
      callShards(at.round + 1);
    }
    turn();
  }

  /** What the shards go on from. */
  private void sendBack() throws Exception {
    for (ModelPart part :
        MergedRounds.merged(at.lastRound, whole(last), Instant.ofEpochMilli(now()))) {
      output.collect(MODELS, new StreamRecord<>(part));
    }
  }

  @Override
  public void processElement(StreamRecord<MergeInput> element) throws Exception {
    MergeInput input = element.getValue();
    setCurrentKey(KEY);
    dirty = true;
    if (input.piece != null) {
      put(input.piece);
    } else if (input.control != null && input.control.action == ControlAction.REPUBLISH) {
      published.sayAgain(part -> output.collect(MODELS, new StreamRecord<>(part)));
    } else if (input.control != null) {
      LOG.info("{} {}", input.control.action, input.control.text());
      at.add(input.control);
    } else if (input.committed <= at.version + (at.phase == Phase.GATHER ? 0 : 1)) {
      // A version that was never begun was not committed, whatever stands on the topic. One that is
      // being said may be committed before all of it is, where a restart lies between.
      at.committed = Math.max(at.committed, input.committed);
    }
    turn();
  }

  private void put(RoundPiece piece) throws Exception {
    if (at.phase != Phase.GATHER || at.earlyFrom < at.earlyTo) {
      // A shard that waits for nobody is ahead: its next round may be done before this is judged.
      early.put(at.earlyTo++, piece);
      return;
    }
    gather(piece);
  }

  private void gather(RoundPiece piece) throws Exception {
    if (piece.round != at.round + 1) {
      throw new IllegalStateException(
          "shard %d sent round %d, the merge is at round %d: was state of different checkpoints put together?"
              .formatted(piece.shard, piece.round, at.round + 1));
    }
    if (Arrays.stream(at.came).sum() == 0) {
      callShards(piece.round);
    }
    pieces.put(pieceKey(piece.shard, piece.index), piece.data);
    at.came[piece.shard]++;
    at.pieces[piece.shard] = piece.count;
  }

  /** Has all begin a round that one has ended, whatever they have of it. */
  private void callShards(long round) {
    if (plan.shards() > 1) {
      ModelPart call = MergedRounds.call(round, Instant.ofEpochMilli(now()));
      output.collect(MODELS, new StreamRecord<>(call));
    }
  }

  /** Takes what came early for this round. */
  private void gatherEarly(Deadline deadline) throws Exception {
    while (at.earlyFrom < at.earlyTo && !complete() && !deadline.isOver()) {
      dirty = true;
      gather(early.get(at.earlyFrom));
      early.remove(at.earlyFrom++);
    }
  }

  private static long pieceKey(int shard, int index) {
    return (long) shard << 32 | index;
  }

  private long now() {
    return getProcessingTimeService().getCurrentProcessingTime();
  }

  private boolean complete() {
    for (int s = 0; s < at.pieces.length; s++) {
      if (at.pieces[s] == 0 || at.came[s] < at.pieces[s]) {
        return false;
      }
    }
    return true;
  }

  /** Goes on with the round; more turns follow as mails. */
  private void turn() throws Exception {
    if (closed) {
      return;
    }
    Deadline deadline = Deadline.in(this::nanos, SLICE_MS * 1_000_000);
    Phase before;
    do {
      before = at.phase;
      switch (at.phase) {
        case GATHER -> {
          gatherEarly(deadline);
          if (complete()) {
            at.phase =
                plan.endsInCandidate(at.round + 1) && at.committed < at.version
                    ? Phase.AWAIT_COMMIT
                    : judge();
          }
        }
        case AWAIT_COMMIT -> {
          if (at.committed >= at.version) {
            at.phase = judge();
          }
        }
        case JUDGE -> read(deadline);
        default -> emit(deadline);
      }
      dirty |= at.phase != before;
    } while (at.phase != before && !deadline.isOver());
    shown = at.copy();
    boolean gathering = at.phase == Phase.GATHER && at.earlyFrom < at.earlyTo;
    boolean reading = at.phase == Phase.JUDGE && !judging;
    if (gathering || reading || at.phase == Phase.EMIT || at.phase != before) {
      again();
    }
  }

  private void again() {
    // One turn waits at most; what arrives gets its turn in between.
    if (!queued) {
      queued = true;
      mailbox.execute(
          () -> {
            queued = false;
            setCurrentKey(KEY);
            turn();
          },
          "merge of a round");
    }
  }

  private Phase judge() {
    at.judgedAt = now();
    at.sent = 0;
    at.publishesThis = at.revision + 1 - at.published >= config.get(JobOptions.LEARN_PUBLISH_EVERY);
    if (plan.endsInCandidate(at.round + 1)) {
      at.holdsThis = at.holdReason;
      at.forcesThis = at.forceReason;
      at.forceReason = null;
    }
    return Phase.JUDGE;
  }

  /** Reads the pieces, in slices, and has them judged when all are read. */
  private void read(Deadline deadline) throws Exception {
    if (judging) {
      return;
    }
    if (records != null) {
      at.phase = Phase.EMIT;
      return;
    }
    if (read == null) {
      read = new ArrayList<>();
      readShard = 0;
      readPiece = 0;
    }
    while (readShard < plan.shards()) {
      if (readPiece == 0) {
        read.add(new ByteArrayOutputStream());
      }
      read.get(readShard).writeBytes(pieces.get(pieceKey(readShard, readPiece++)));
      if (readPiece == at.pieces[readShard]) {
        readShard++;
        readPiece = 0;
      }
      if (deadline.isOver()) {
        return;
      }
    }
    List<ByteArrayOutputStream> all = read;
    read = null;
    judging = true;
    MergeProgress seen = at.copy();
    int keptCodebooks = config.get(JobOptions.TOPICS_KEPT_CODEBOOKS);
    byte[] tokenizer = at.version == 0 ? null : whole(inUse);
    thread.execute(
        () -> {
          RoundRecords made = null;
          Throwable failure = null;
          try {
            List<ShardRound> rounds =
                all.stream().map(b -> ShardRound.fromBytes(b.toByteArray())).toList();
            made = RoundRecords.of(plan, keptCodebooks, seen, tokenizer, rounds);
          } catch (Throwable e) {
            failure = e;
          }
          judged(made, failure);
        });
  }

  private static byte[] whole(MapState<Integer, byte[]> cut) throws Exception {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (int i = 0; cut.contains(i); i++) {
      whole.writeBytes(cut.get(i));
    }
    return whole.toByteArray();
  }

  private void judged(RoundRecords made, Throwable failure) {
    try {
      mailbox.execute(
          () -> {
            judging = false;
            if (failure != null) {
              throw new IllegalStateException(
                  "the merge of round " + (at.round + 1) + " failed", failure);
            }
            records = made;
            setCurrentKey(KEY);
            turn();
          },
          "round judged");
    } catch (RejectedExecutionException e) {
      LOG.debug("A round was judged after its operator ended", e);
    }
  }

  private void emit(Deadline deadline) throws Exception {
    if (records == null) {
      // After a restart: what was sent is not sent again, as it comes out the same.
      at.phase = Phase.JUDGE;
      return;
    }
    // Before the round's own, so that its REVISION comes after all that it publishes.
    if (records.publishes() && at.sent == 0 && !publishKeptBack(deadline)) {
      return;
    }
    while (at.sent < records.count()) {
      IdEmbedding later = records.keptBack(at.sent);
      if (later == null) {
        ModelPart part = records.model(at.sent);
        if (part != null) {
          published.said(part);
        }
        records.send(at.sent, output);
      } else {
        keptBack.put(later.getItem(), later);
      }
      at.sent++;
      dirty = true;
      if (deadline.isOver()) {
        return;
      }
    }
    LOG.info("{}", records.text());
    metrics.merged(records.merged().figures(), records.verdict());
    at = records.after(at);
    if (records.tokenizer() != null) {
      put(inUse, ShardTables.cut(records.tokenizer()));
    }
    if (records.back() != null) {
      put(last, ShardTables.cut(records.back()));
      at.lastRound = at.round;
      if (sendsBackAgain) {
        sendBack();
      }
    }
    sendsBackAgain = false;
    for (int s = 0; s < at.pieces.length; s++) {
      for (int i = 0; i < at.pieces[s]; i++) {
        pieces.remove(pieceKey(s, i));
      }
      at.pieces[s] = 0;
      at.came[s] = 0;
    }
    records = null;
    at.phase = Phase.GATHER;
  }

  /** Sends the ID embeddings that rounds before kept back; false where some are left. */
  private boolean publishKeptBack(Deadline deadline) throws Exception {
    if (keptBackLeft == null) {
      keptBackLeft = keptBack.iterator();
    }
    while (keptBackLeft.hasNext()) {
      output.collect(ID_EMBEDDINGS, new StreamRecord<>(keptBackLeft.next().getValue()));
      keptBackLeft.remove();
      if (deadline.isOver()) {
        return false;
      }
    }
    keptBackLeft = null;
    return true;
  }

  private static void put(MapState<Integer, byte[]> to, List<byte[]> cut) throws Exception {
    int i = 0;
    for (byte[] piece : cut) {
      to.put(i++, piece);
    }
    for (; to.contains(i); i++) {
      to.remove(i);
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    super.prepareSnapshotPreBarrier(checkpointId);
    // State on the heap is copied when it next changes; an iterator would go on with what the
    // snapshot has.
    keptBackLeft = null;
    if (dirty) {
      dirty = false;
      setCurrentKey(KEY);
      progressState.update(at.copy());
    }
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
