package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.metrics.KeptMetrics;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.LearnInput;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.groups.OperatorMetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.ProcessFunctionTestHarnesses;

/**
 * Learn and Merge, wired as in the job: real operators in their harnesses, RocksDB, and in place of
 * the topics lists. A snapshot is of all of it at one time, as a checkpoint is.
 */
@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
final class LearnPipeline implements AutoCloseable {
  /** What a checkpoint has: both operators, and how far the feedback was read. */
  record Snapshot(
      OperatorSubtaskState learn, OperatorSubtaskState merge, int models, int said, int begun) {}

  /** Learn, with its metrics kept. */
  private static final class MeasuredLearn extends LearnOperator {
    private final transient KeptMetrics metrics = new KeptMetrics();

    MeasuredLearn(JobConfig config, Backlog backlog) {
      super(config, backlog);
    }

    @Override
    public OperatorMetricGroup getMetricGroup() {
      return metrics;
    }
  }

  /** Merge, with its metrics kept. */
  private static final class MeasuredMerge extends MergeOperator {
    private final transient KeptMetrics metrics = new KeptMetrics();

    MeasuredMerge(JobConfig config) {
      super(config);
    }

    @Override
    public OperatorMetricGroup getMetricGroup() {
      return metrics;
    }
  }

  /** What Learn and Merge have registered. */
  final KeptMetrics ofLearn;

  final KeptMetrics ofMerge;

  private final JobConfig config;
  private final int[] keys;
  private final KeyedOneInputStreamOperatorTestHarness<Integer, LearnInput, RoundPiece> learn;
  private final KeyedOneInputStreamOperatorTestHarness<Integer, MergeInput, TokenizerUpdate> merge;
  private final WireFormat wire = new WireFormat();
  private final List<ModelPart> models = new ArrayList<>();
  private int modelsBefore;
  private int modelsRead;
  private int piecesRead;
  private int versionsRead;
  private int begunBefore;
  private long clock = 1_000_000;

  /** Whether a BEGIN is followed by its COMMIT at once. */
  boolean commits = true;

  private boolean mergeHeld;

  LearnPipeline(JobConfig config, Snapshot from, List<ModelPart> modelsSoFar) throws Exception {
    this(config, Backlog.none(), from, modelsSoFar);
  }

  LearnPipeline(JobConfig config, Backlog backlog, Snapshot from, List<ModelPart> modelsSoFar)
      throws Exception {
    this.config = config;
    keys = ShardKeys.of(config.get(io.sidstream.job.config.JobOptions.LEARN_SHARDS), 8);
    MeasuredLearn learns = new MeasuredLearn(config, backlog);
    MeasuredMerge merges = new MeasuredMerge(config);
    ofLearn = learns.metrics;
    ofMerge = merges.metrics;
    learn = harness(learns, (LearnInput i) -> i.shardKey);
    merge = harness(merges, MergeInput::key);
    learn.setup();
    merge.setup();
    if (from != null) {
      models.addAll(modelsSoFar.subList(0, from.said));
      modelsBefore = from.said;
      modelsRead = from.models;
      learn.initializeState(from.learn);
      merge.initializeState(from.merge);
    }
    learn.setProcessingTime(clock);
    merge.setProcessingTime(clock);
    learn.open();
    merge.open();
    if (from != null && from.begun > 0) {
      // Its rows were on their way, and are committed now.
      begunBefore = from.begun;
      MergeInput input = new MergeInput();
      input.committed = from.begun;
      tell(input);
    }
  }

  private int begun() {
    return ofThisRun().stream()
        .filter(v -> v.getState() == VersionState.BEGIN)
        .mapToInt(VersionRecord::getVersion)
        .reduce(begunBefore, Math::max);
  }

  private static <I, O> KeyedOneInputStreamOperatorTestHarness<Integer, I, O> harness(
      org.apache.flink.streaming.api.operators.OneInputStreamOperator<I, O> operator,
      org.apache.flink.api.java.functions.KeySelector<I, Integer> key)
      throws Exception {
    var harness = new KeyedOneInputStreamOperatorTestHarness<>(operator, key, Types.INT, 8, 1, 0);
    harness.setStateBackend(new EmbeddedRocksDBStateBackend(false));
    return harness;
  }

  void item(String name, float[] vector, long time) throws Exception {
    EmbeddedItem item = new EmbeddedItem();
    item.item = name;
    item.vector = vector;
    item.deleted = vector == null;
    item.time = time;
    for (int key : keys) {
      LearnInput input = new LearnInput();
      input.shardKey = key;
      input.item = item;
      learn.processElement(new StreamRecord<>(input));
    }
  }

  void event(String user, String item, long time, long order) throws Exception {
    SequencedEvent event = new SequencedEvent();
    event.user = user;
    event.item = item;
    event.time = time;
    event.order = order;
    event.placed = true;
    LearnInput input = new LearnInput();
    input.shardKey = ShardKeys.of(user, keys);
    input.event = event;
    learn.processElement(new StreamRecord<>(input));
  }

  void tell(MergeInput input) throws Exception {
    merge.processElement(new StreamRecord<>(input));
  }

  /** One thing: a timer, a mail, or what one operator has said to the other. */
  void step() throws Exception {
    clock += 50;
    learn.setProcessingTime(clock);
    merge.setProcessingTime(clock);
    mail(learn);
    if (!mergeHeld) {
      mail(merge);
    }
    List<RoundPiece> pieces = learn.extractOutputValues();
    if (piecesRead < pieces.size()) {
      merge.processElement(new StreamRecord<>(MergeInput.of(pieces.get(piecesRead++))));
    }
    collect();
    if (modelsRead < models.size()) {
      read(models.get(modelsRead++));
    }
    List<VersionRecord> versions = ofThisRun();
    for (; commits && versionsRead < versions.size(); versionsRead++) {
      if (versions.get(versionsRead).getState() == VersionState.BEGIN) {
        MergeInput input = new MergeInput();
        input.committed = versions.get(versionsRead).getVersion();
        merge.processElement(new StreamRecord<>(input));
      }
    }
  }

  private static void mail(KeyedOneInputStreamOperatorTestHarness<?, ?, ?> harness)
      throws Exception {
    while (harness.getTaskMailbox().hasMail()) {
      harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
    }
  }

  private void collect() {
    var said = merge.getSideOutput(MergeOperator.MODELS);
    int known = models.size() - modelsBefore;
    int i = 0;
    if (said != null) {
      for (StreamRecord<ModelPart> record : said) {
        if (i++ >= known) {
          models.add(record.getValue());
        }
      }
    }
  }

  private void read(ModelPart record) throws Exception {
    RawRecord raw = new RawRecord();
    raw.topic = "models";
    if (record.getCount() == 0) {
      return;
    }
    raw.key = ModelParts.key(record).getBytes(StandardCharsets.UTF_8);
    raw.value = wire.encode(record);
    var harness = ProcessFunctionTestHarnesses.forProcessFunction(new MergedRounds(config));
    harness.processElement(new StreamRecord<>(raw));
    for (LearnInput input : harness.extractOutputValues()) {
      learn.processElement(new StreamRecord<>(input));
    }
    harness.close();
  }

  /** Steps until a shard waits for a round, with a merge that does nothing but take what comes. */
  void untilWaitsFor(long round) throws Exception {
    mergeHeld = true;
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (progress(0).round < round || progress(0).phase != LearnProgress.Phase.WAIT) {
      step();
      if (System.nanoTime() > deadline) {
        throw new AssertionError("round " + progress(0).round + " after 60 s");
      }
      Thread.yield();
    }
    deliver();
    mergeHeld = false;
  }

  /** Steps until so many revisions were made by this run. */
  void until(int revisions) throws Exception {
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (revisions().size() < revisions) {
      step();
      if (System.nanoTime() > deadline) {
        throw new AssertionError(
            "only " + revisions().size() + " of " + revisions + " revisions within 60 s");
      }
      Thread.yield();
    }
  }

  Snapshot snapshot() throws Exception {
    learn.prepareSnapshotPreBarrier(1);
    deliver();
    merge.prepareSnapshotPreBarrier(1);
    OperatorSubtaskState l = learn.snapshot(1, clock);
    OperatorSubtaskState m = merge.snapshot(1, clock);
    if (piecesRead < learn.extractOutputValues().size()) {
      throw new AssertionError("pieces are under way");
    }
    return new Snapshot(l, m, modelsRead, models.size(), begun());
  }

  /** Hands over what Learn has sent, as alignment does before a barrier. */
  void deliver() throws Exception {
    List<RoundPiece> pieces = learn.extractOutputValues();
    while (piecesRead < pieces.size()) {
      merge.processElement(new StreamRecord<>(MergeInput.of(pieces.get(piecesRead++))));
    }
    collect();
  }

  private List<VersionRecord> ofThisRun() {
    List<VersionRecord> all = new ArrayList<>();
    var said = merge.getSideOutput(MergeOperator.VERSIONS);
    if (said != null) {
      said.forEach(r -> all.add(r.getValue()));
    }
    return all;
  }

  List<VersionRecord> versions() {
    return ofThisRun();
  }

  List<VersionRecord> revisions() {
    return ofThisRun().stream().filter(v -> v.getState() == VersionState.REVISION).toList();
  }

  List<ModelPart> models() {
    return models;
  }

  /** Digest of the recommenders by revision. */
  Map<Long, String> recommenders() {
    Map<Long, String> digests = new TreeMap<>();
    for (ModelPart record : models) {
      if (record.getCount() > 0 && record.getPart() == ModelPartKind.RECOMMENDER) {
        digests.put(record.getRevision(), record.getDigest());
      }
    }
    return digests;
  }

  /** The newest embeddings by item; null where they were removed. */
  Map<String, List<Float>> embeddings() {
    Map<String, List<Float>> all = new TreeMap<>();
    var said = merge.getSideOutput(MergeOperator.ID_EMBEDDINGS);
    if (said != null) {
      for (StreamRecord<IdEmbedding> r : said) {
        List<Float> e = r.getValue().getE();
        all.put(r.getValue().getItem(), e.isEmpty() ? null : e);
      }
    }
    return all;
  }

  /** Records of the id-embeddings topic. */
  int embeddingRows() {
    var said = merge.getSideOutput(MergeOperator.ID_EMBEDDINGS);
    return said == null ? 0 : said.size();
  }

  List<TokenizerUpdate> updates() {
    return merge.extractOutputValues();
  }

  LearnProgress progress(int shard) {
    return operator().progress(keys[shard]);
  }

  private LearnOperator operator() {
    return (LearnOperator) (AbstractStreamOperator<?>) learn.getOperator();
  }

  @Override
  public void close() throws Exception {
    learn.close();
    merge.close();
  }
}
