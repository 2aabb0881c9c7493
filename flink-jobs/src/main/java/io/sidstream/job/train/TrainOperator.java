package io.sidstream.job.train;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.OutRecord;
import io.sidstream.job.kafka.Records;
import io.sidstream.job.sequence.TrainingWindow;
import io.sidstream.job.train.TrainProgress.Phase;
import io.sidstream.schemas.VersionState;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/**
 * Trains the joint model on the stream, in rounds, between other work of its thread.
 *
 * <p>What arrives is put aside in state at once, so that the branch that gives tokens never waits
 * for training. Windows are consumed in order of arrival: each is first predicted with the model as
 * it then stands, then learnt from. A round begins when {@code train.round-interactions} have been
 * consumed since the last one, so where rounds begin depends on the stream alone, not on the clock;
 * only when the stream pauses does {@code train.round-interval} begin one. During a round nothing
 * is consumed. A step is one timer; after a step of d ms the next one comes d (1 - duty) / duty ms
 * later, and barriers and records pass in between.
 *
 * <p>Keyed state is the whole truth: rows of items and users as they change, the model after its
 * steps, and {@link TrainProgress}. All of it is written before the barrier, so that a restart goes
 * on with the very next step.
 */
public class TrainOperator extends AbstractStreamOperator<TokenizerUpdate>
    implements OneInputStreamOperator<TrainEvent, TokenizerUpdate> {

  /** Pieces of the model, for the models topic. */
  public static final OutputTag<OutRecord> MODELS =
      new OutputTag<>("models", Records.type(OutRecord.class));

  /** ID embeddings that a round changed. */
  public static final OutputTag<OutRecord> ID_EMBEDDINGS =
      new OutputTag<>("id-embeddings", Records.type(OutRecord.class));

  /** BEGIN, HELD and REVISION records. */
  public static final OutputTag<OutRecord> VERSIONS =
      new OutputTag<>("versions", Records.type(OutRecord.class));

  /** There is one shard. */
  private static final Integer SHARD = 0;

  /** Size of a piece of the model in state, bytes: RocksDB dislikes values of many MiB. */
  private static final int STATE_PIECE = 1 << 20;

  /** Windows consumed in one go: one forward pass of the recommender. */
  private static final int CONSUME_BATCH = 256;

  /** Committed versions of which readers need the encoder and the recommender. */
  private static final int READERS_VERSIONS = 2;

  /** How often an idle trainer looks whether time has begun a round or ended the wait. */
  private static final long IDLE_TURN_MS = 200;

  /** Left between steps at any duty: while a timer waits, a task takes one record a timer. */
  private static final long LEAST_GAP_MS = 5;

  private final JobConfig config;

  private transient MapState<Long, TrainingWindow> pending;
  private transient MapState<String, byte[]> itemRows;
  private transient MapState<String, byte[]> userRows;
  private transient MapState<Integer, byte[]> modelPieces;
  private transient ValueState<TrainProgress> progressState;

  /** Up to which version this run has removed parts of the model; 0 at its beginning. */
  private transient int removed;

  private transient Learner learner;
  private transient TrainProgress progress;
  private transient boolean modelChanged;
  private transient boolean scheduled;

  /** With a configuration. */
  public TrainOperator(JobConfig config) {
    this.config = config;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    var store = context.getKeyedStateStore();
    pending =
        store.getMapState(
            new MapStateDescriptor<>("pending", Types.LONG, Records.type(TrainingWindow.class)));
    itemRows = store.getMapState(bytesByName("items"));
    userRows = store.getMapState(bytesByName("users"));
    modelPieces =
        store.getMapState(
            new MapStateDescriptor<>(
                "model", Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    progressState =
        store.getState(new ValueStateDescriptor<>("progress", Records.type(TrainProgress.class)));
    setCurrentKey(SHARD);
    learner = new Learner(config);
    progress = progressState.value();
    if (progress == null) {
      progress = new TrainProgress();
      return;
    }
    refuseAnotherShape();
    for (Map.Entry<String, byte[]> row : itemRows.entries()) {
      learner.readItem(row.getKey(), row.getValue());
    }
    for (Map.Entry<String, byte[]> row : userRows.entries()) {
      learner.readUser(row.getKey(), row.getValue());
    }
    learner.restore(pieces(), progress);
  }

  /** State of one shape cannot go on as another: trying again would not help. */
  private void refuseAnotherShape() {
    List<String> was = new ArrayList<>(List.of(progress.shape));
    List<String> now = new ArrayList<>(List.of(Learner.shape(config)));
    // Earlier builds wrote down fewer settings.
    Set<String> written = was.stream().map(TrainOperator::key).collect(Collectors.toSet());
    now.removeIf(setting -> !written.contains(key(setting)));
    was.removeAll(now);
    now.removeAll(List.of(progress.shape));
    if (!was.isEmpty()) {
      throw new SuppressRestartsException(
          new IllegalStateException(
              "the configuration has "
                  + String.join(", ", now)
                  + ", but the job's state was made with "
                  + String.join(", ", was)
                  + ", which is fixed once a job has state: set it so again, or start a job without state under"
                  + " another topics.prefix and kafka.group"));
    }
  }

  private static String key(String setting) {
    return setting.substring(0, setting.indexOf('='));
  }

  private static MapStateDescriptor<String, byte[]> bytesByName(String name) {
    return new MapStateDescriptor<>(
        name, Types.STRING, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
  }

  private byte[] pieces() throws Exception {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (int i = 0; modelPieces.contains(i); i++) {
      whole.writeBytes(modelPieces.get(i));
    }
    return whole.toByteArray();
  }

  @Override
  public void open() throws Exception {
    super.open();
    TrainMetrics.register(getMetricGroup(), progress, learner);
    schedule(0);
  }

  @Override
  public void processElement(StreamRecord<TrainEvent> element) throws Exception {
    TrainEvent event = element.getValue();
    long now = now();
    if (event.item != null) {
      learner.put(event.item);
      if (progress.firstItemAt == 0) {
        progress.firstItemAt = now;
      }
    } else if (event.window != null) {
      pending.put(progress.tail++, event.window);
    } else if (event.control != null) {
      LOG.info("{} {}", event.control.action, event.control.text());
      progress.add(event.control);
    } else {
      // A version that was never begun was not committed, whatever stands on the topic.
      if (event.committed <= progress.version) {
        progress.committed = Math.max(progress.committed, event.committed);
      }
    }
    schedule(0);
  }

  /** Asks for a turn; one is under way at most. */
  private void schedule(long delayMs) {
    if (!scheduled) {
      scheduled = true;
      getProcessingTimeService().registerTimer(now() + delayMs, t -> turn());
    }
  }

  private long now() {
    return getProcessingTimeService().getCurrentProcessingTime();
  }

  /** One piece of work: a training step, or a batch of windows. */
  private void turn() throws Exception {
    scheduled = false;
    setCurrentKey(SHARD);
    long began = System.nanoTime();
    switch (progress.phase) {
      case COLLECT -> collect();
      case IDLE -> consumeOrBegin();
      default -> step();
    }
    long tookMs = (System.nanoTime() - began) / 1_000_000;
    boolean training = progress.phase != Phase.COLLECT && progress.phase != Phase.IDLE;
    // All items wait for the first model, so it is made at full speed.
    double duty = progress.phase == Phase.BOOTSTRAP ? 1 : config.get(JobOptions.TRAIN_DUTY_CYCLE);
    if (training) {
      schedule(Math.max(LEAST_GAP_MS, Math.round(tookMs * (1 - duty) / duty)));
    } else if (progress.head < progress.tail) {
      schedule(1);
    } else {
      schedule(IDLE_TURN_MS);
    }
  }

  private void collect() throws Exception {
    long missing = config.get(JobOptions.BOOTSTRAP_INTERACTIONS) - progress.interactions;
    consume(false, missing > 0 ? (int) Math.min(CONSUME_BATCH, missing) : CONSUME_BATCH);
    boolean enough =
        learner.knownItems() >= config.get(JobOptions.BOOTSTRAP_ITEMS)
            && progress.interactions >= config.get(JobOptions.BOOTSTRAP_INTERACTIONS);
    boolean waited =
        progress.firstItemAt > 0
            && now() - progress.firstItemAt >= config.get(JobOptions.BOOTSTRAP_TIMEOUT).toMillis();
    if (learner.knownItems() > 0 && (enough || waited && progress.head == progress.tail)) {
      LOG.info(
          "bootstrap with {} items and {} interactions",
          learner.knownItems(),
          progress.interactions);
      learner.initialiseCodebooks();
      begin(Phase.BOOTSTRAP, config.get(JobOptions.BOOTSTRAP_STEPS));
    }
  }

  private void consumeOrBegin() throws Exception {
    if (progress.tail - progress.head > config.get(JobOptions.TRAIN_PENDING_MAX)) {
      long before = progress.interactions;
      consume(true, CONSUME_BATCH);
      progress.withoutRound += progress.interactions - before;
      return;
    }
    long left = config.get(JobOptions.TRAIN_ROUND_INTERACTIONS) - progress.sinceRound;
    if (left > 0) {
      consume(true, (int) Math.min(CONSUME_BATCH, left));
      left = config.get(JobOptions.TRAIN_ROUND_INTERACTIONS) - progress.sinceRound;
    }
    boolean paused =
        progress.head == progress.tail
            && progress.sinceRound > 0
            && now() - progress.lastRoundAt
                >= config.get(JobOptions.TRAIN_ROUND_INTERVAL).toMillis();
    if (left > 0 && !paused) {
      return;
    }
    boolean quantizer =
        progress.roundsSinceQuantizer + 1 >= config.get(JobOptions.QUANTIZER_ROUND_EVERY)
            && progress.committed >= progress.version;
    if (quantizer) {
      begin(Phase.QUANTIZER_ROUND, config.get(JobOptions.QUANTIZER_STEPS));
    } else {
      begin(Phase.RECOMMENDER_ROUND, config.get(JobOptions.TRAIN_ROUND_STEPS));
    }
  }

  private void begin(Phase phase, int steps) {
    progress.phase = phase;
    progress.stepsLeft = steps;
    progress.steps = 0;
    progress.lossSum = 0;
    modelChanged = true;
  }

  /** Takes windows in order of arrival until about {@code events} events are consumed. */
  private void consume(boolean predict, int events) throws Exception {
    List<TrainingWindow> windows = new ArrayList<>();
    int taken = 0;
    while (progress.head < progress.tail && taken < events) {
      TrainingWindow window = pending.get(progress.head);
      pending.remove(progress.head++);
      windows.add(window);
      taken += window.events;
    }
    if (!windows.isEmpty()) {
      learner.consume(windows, predict, progress);
    }
  }

  private void step() throws Exception {
    learner.step(progress);
    modelChanged = true;
    if (progress.stepsLeft > 0) {
      return;
    }
    switch (progress.phase) {
      case BOOTSTRAP -> newVersion(learner.nearest(), "bootstrap");
      case QUANTIZER_ROUND -> {
        gate(learner.withinBudget(progress));
        progress.roundsSinceQuantizer = 0;
      }
      default -> progress.roundsSinceQuantizer++;
    }
    newRevision();
    progress.phase = Phase.IDLE;
    progress.sinceRound = 0;
    progress.recentCount = 0;
    progress.lastRoundAt = now();
  }

  /**
   * A candidate becomes a version or is held back. The quantizer goes on from where it is either
   * way: a held candidate is the beginning of the next one, which may pass.
   */
  private void gate(Learner.Candidate candidate) throws Exception {
    String refusal =
        progress.holdReason != null ? progress.holdReason : learner.refusal(candidate, progress);
    String forced = progress.forceReason;
    progress.forceReason = null;
    if (refusal == null || forced != null) {
      newVersion(
          candidate,
          forced == null
              ? "quantizer round"
              : forced + (refusal == null ? "" : "; without it: " + refusal));
    } else {
      progress.held++;
      version(VersionState.HELD, progress.version + 1, refusal, candidate);
    }
  }

  private void newVersion(Learner.Candidate candidate, String reason) throws Exception {
    progress.version++;
    learner.adopt(candidate, progress);
    version(VersionState.BEGIN, progress.version, reason, candidate);
    TokenizerUpdate update = new TokenizerUpdate();
    update.version = progress.version;
    update.revision = progress.revision + 1;
    update.tokenizer = candidate.tokenizer().toBytes();
    output.collect(new StreamRecord<>(update));
    for (OutRecord part : learner.tokenizerParts(candidate, progress, now())) {
      output.collect(MODELS, new StreamRecord<>(part));
    }
    // Readers need the newest committed version and, to go back to, the one before. What an earlier
    // run has removed is removed once more: so nothing of it need be state.
    int last = progress.committed - READERS_VERSIONS;
    for (OutRecord part : learner.removals(candidate, removed + 1, last)) {
      output.collect(MODELS, new StreamRecord<>(part));
    }
    removed = Math.max(removed, last);
  }

  private void newRevision() throws Exception {
    progress.revision++;
    for (OutRecord part : learner.recommenderParts(progress, now())) {
      output.collect(MODELS, new StreamRecord<>(part));
    }
    for (OutRecord e : learner.changedEmbeddings(progress)) {
      output.collect(ID_EMBEDDINGS, new StreamRecord<>(e));
    }
    output.collect(VERSIONS, new StreamRecord<>(learner.revisionRecord(progress, now())));
    progress.resetPrequential();
  }

  private void version(
      VersionState state, int version, String reason, Learner.Candidate candidate) {
    output.collect(
        VERSIONS,
        new StreamRecord<>(
            learner.versionRecord(state, version, reason, candidate, progress, now())));
  }

  /**
   * Writes what changed, so that the snapshot holds exactly what was emitted before the barrier.
   */
  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    super.prepareSnapshotPreBarrier(checkpointId);
    setCurrentKey(SHARD);
    learner.changedItemRows(itemRows::put);
    learner.changedUserRows(userRows::put);
    if (modelChanged) {
      byte[] model = learner.modelState();
      int pieces = (model.length + STATE_PIECE - 1) / STATE_PIECE;
      for (int i = 0; i < pieces; i++) {
        modelPieces.put(
            i,
            Arrays.copyOfRange(
                model, i * STATE_PIECE, Math.min(model.length, (i + 1) * STATE_PIECE)));
      }
      for (int i = pieces; modelPieces.contains(i); i++) {
        modelPieces.remove(i);
      }
      modelChanged = false;
    }
    learner.save(progress);
    // On the heap, state is written by another thread while training goes on.
    progressState.update(progress.copy());
  }
}
