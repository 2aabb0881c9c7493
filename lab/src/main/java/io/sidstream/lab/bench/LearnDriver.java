package io.sidstream.lab.bench;

import io.sidstream.cli.Folders;
import io.sidstream.job.JobEnvironment;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.learn.LearnOperator;
import io.sidstream.job.learn.LearnProgress;
import io.sidstream.job.learn.LearnProgress.Phase;
import io.sidstream.job.learn.MergeOperator;
import io.sidstream.job.learn.MergedRounds;
import io.sidstream.job.learn.ShardKeys;
import io.sidstream.job.learn.ToShards;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.LearnInput;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.functions.util.ListCollector;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.AbstractKeyedStateBackend;
import org.apache.flink.runtime.state.storage.FileSystemCheckpointStorage;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.ProcessFunctionTestHarnesses;

/**
 * The job's Learn and Merge on RocksDB, one subtask of each, without topics: what one says is
 * handed to the other on the thread of the caller, which is that of both operators. Processing time
 * is the clock's, so that the operators' pauses are those of the job, unless time is moved on.
 */
@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
final class LearnDriver implements AutoCloseable {
  /**
   * RocksDB's cache and write buffers of one operator: half of what Flink's defaults give the slots
   * of a TaskManager with a heap of 1 GB.
   */
  static final String ROCKSDB_MEMORY = "512mb";

  /** A pause where there is nothing to do, ns. */
  private static final long REST_NS = 200_000;

  /** Time that is moved on in a step where pauses are skipped, ms. */
  private static final long SKIP_MS = 25;

  /** How long nothing may come of it. */
  private static final long PATIENCE_NS = 1_800_000_000_000L;

  /**
   * A checkpoint of both.
   *
   * @param begun newest token version that began
   * @param ahead how far processing time was moved on, ms
   */
  record Snapshot(OperatorSubtaskState learn, OperatorSubtaskState merge, int begun, long ahead) {}

  /** Told of the phase of the first shard after each thing that was done. */
  interface Watcher {
    void at(LearnProgress progress, int[] steps);
  }

  private final int[] keys;
  private final Path folder;
  private final KeyedOneInputStreamOperatorTestHarness<Integer, LearnInput, RoundPiece> learn;
  private final KeyedOneInputStreamOperatorTestHarness<Integer, MergeInput, TokenizerUpdate> merge;
  private final OneInputStreamOperatorTestHarness<RawRecord, LearnInput> back;
  private final WireFormat wire = new WireFormat();
  private long ahead;
  private int begun;
  private long revision;
  private Watcher watcher = (progress, steps) -> {};

  /**
   * Both operators.
   *
   * @param folder where RocksDB and checkpoints go
   * @param from null for a beginning without state
   */
  LearnDriver(JobConfig config, Path folder, Snapshot from) throws Exception {
    this.folder = folder;
    int groups = config.get(JobOptions.MAX_PARALLELISM);
    keys = ShardKeys.of(config.get(JobOptions.LEARN_SHARDS), groups);
    learn =
        harness(
            new LearnOperator(config, Backlog.none()),
            (LearnInput i) -> i.shardKey,
            config,
            "learn");
    merge = harness(new MergeOperator(config), MergeInput::key, config, "merge");
    back = ProcessFunctionTestHarnesses.forProcessFunction(new MergedRounds(config));
    learn.setup();
    merge.setup();
    if (from != null) {
      ahead = from.ahead;
      begun = from.begun;
      learn.initializeState(from.learn);
      merge.initializeState(from.merge);
    }
    learn.setProcessingTime(now());
    merge.setProcessingTime(now());
    learn.open();
    merge.open();
    if (begun > 0) {
      commit();
    }
  }

  private <I, O> KeyedOneInputStreamOperatorTestHarness<Integer, I, O> harness(
      OneInputStreamOperator<I, O> operator,
      KeySelector<I, Integer> by,
      JobConfig config,
      String name)
      throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            operator, by, Types.INT, config.get(JobOptions.MAX_PARALLELISM), 1, 0);
    EmbeddedRocksDBStateBackend rocksdb =
        new EmbeddedRocksDBStateBackend()
            .configure(JobEnvironment.flink(config), LearnDriver.class.getClassLoader());
    rocksdb.getMemoryConfiguration().setFixedMemoryPerSlot(ROCKSDB_MEMORY);
    rocksdb.setDbStoragePath(Files.createDirectories(local(name)).toString());
    harness.setStateBackend(rocksdb);
    harness.setCheckpointStorage(
        new FileSystemCheckpointStorage(
            Files.createDirectories(folder.resolve("checkpoints")).toUri()));
    return harness;
  }

  private Path local(String name) {
    return folder.resolve("local").resolve(name);
  }

  private long now() {
    return System.currentTimeMillis() + ahead;
  }

  void watch(Watcher told) {
    watcher = told;
  }

  void put(EmbeddedItem item) throws Exception {
    List<LearnInput> inputs = new ArrayList<>();
    new ToShards.OfItems(keys).flatMap(item, new ListCollector<>(inputs));
    for (LearnInput input : inputs) {
      put(input);
    }
  }

  void put(SequencedEvent event) throws Exception {
    put(new ToShards.OfEvents(keys).map(event));
  }

  private void put(LearnInput input) throws Exception {
    learn.processElement(new StreamRecord<>(input));
  }

  /** Moves processing time on, ms. */
  void moveOn(long ms) {
    ahead += ms;
  }

  /** Of the first shard. */
  LearnProgress progress() {
    return operator().progress(keys[0]);
  }

  /** Whether all shards are in a phase, of a round or a later one. */
  boolean all(Phase phase, long round) {
    return Arrays.stream(keys)
        .mapToObj(operator()::progress)
        .allMatch(at -> at.phase == phase && at.round >= round);
  }

  /** Newest revision that the merge has made, from 1; 0 for none. */
  long revision() {
    return revision;
  }

  private LearnOperator operator() {
    return (LearnOperator) (AbstractStreamOperator<?>) learn.getOperator();
  }

  /** What steps go on until. */
  interface Until {
    boolean reached() throws Exception;
  }

  /**
   * Does what is due until something is reached.
   *
   * @param skip whether processing time is moved on instead of waiting for the operators' pauses
   */
  void run(boolean skip, Until until) throws Exception {
    long begin = System.nanoTime();
    while (!until.reached()) {
      if (System.nanoTime() - begin > PATIENCE_NS) {
        throw new IllegalStateException("nothing came of it within half an hour");
      }
      ahead += skip ? SKIP_MS : 0;
      if (!step()) {
        LockSupport.parkNanos(REST_NS);
      }
    }
  }

  /** What is due now; whether there was any but timers. */
  private boolean step() throws Exception {
    learn.setProcessingTime(now());
    watched();
    merge.setProcessingTime(now());
    boolean any = mail(learn);
    watched();
    any |= mail(merge);
    any |= handOver();
    return any;
  }

  private void watched() {
    watcher.at(progress(), operator().steps(keys[0]));
  }

  private static boolean mail(KeyedOneInputStreamOperatorTestHarness<?, ?, ?> harness)
      throws Exception {
    boolean any = false;
    while (harness.getTaskMailbox().hasMail()) {
      harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
      any = true;
    }
    return any;
  }

  /** Hands over what was said and drops what nobody here reads. */
  private boolean handOver() throws Exception {
    boolean any = false;
    Queue<Object> said = learn.getOutput();
    while (!said.isEmpty()) {
      RoundPiece piece = (RoundPiece) ((StreamRecord<?>) said.poll()).getValue();
      merge.processElement(new StreamRecord<>(MergeInput.of(piece)));
      any = true;
    }
    merge.getOutput().clear();
    Queue<StreamRecord<io.sidstream.schemas.IdEmbedding>> embeddings =
        merge.getSideOutput(MergeOperator.ID_EMBEDDINGS);
    if (embeddings != null) {
      embeddings.clear();
    }
    Queue<StreamRecord<ModelPart>> parts = merge.getSideOutput(MergeOperator.MODELS);
    while (parts != null && !parts.isEmpty()) {
      back(parts.poll().getValue());
      any = true;
    }
    Queue<StreamRecord<VersionRecord>> versions = merge.getSideOutput(MergeOperator.VERSIONS);
    while (versions != null && !versions.isEmpty()) {
      VersionRecord version = versions.poll().getValue();
      if (version.getState() == VersionState.BEGIN) {
        begun = version.getVersion();
        commit();
      } else if (version.getState() == VersionState.REVISION) {
        revision = version.getRevision();
      }
      any = true;
    }
    return any;
  }

  private void commit() throws Exception {
    MergeInput input = new MergeInput();
    input.committed = begun;
    merge.processElement(new StreamRecord<>(input));
  }

  private void back(ModelPart part) throws Exception {
    RawRecord raw = new RawRecord();
    raw.topic = "models";
    raw.key = ModelParts.key(part).getBytes(StandardCharsets.UTF_8);
    raw.value = part.getCount() == 0 ? null : wire.encode(part);
    back.processElement(new StreamRecord<>(raw));
    while (!back.getOutput().isEmpty()) {
      LearnInput input = (LearnInput) ((StreamRecord<?>) back.getOutput().poll()).getValue();
      learn.processElement(new StreamRecord<>(input));
    }
  }

  /** A checkpoint between two rounds, nothing being under way. */
  Snapshot snapshot(long number) throws Exception {
    learn.prepareSnapshotPreBarrier(number);
    handOver();
    merge.prepareSnapshotPreBarrier(number);
    return new Snapshot(learn.snapshot(number, now()), merge.snapshot(number, now()), begun, ahead);
  }

  /** Entries of all of Learn's tables together. */
  long entries() throws Exception {
    // Where the shard stands is written before a barrier only, and is one of them.
    learn.prepareSnapshotPreBarrier(0);
    return ((AbstractKeyedStateBackend<?>) learn.getOperator().getKeyedStateBackend())
        .numKeyValueStateEntries();
  }

  /** Bytes of RocksDB's files of both operators. */
  long bytesOnDisk() {
    return bytes(folder.resolve("local"));
  }

  /** Bytes of a folder's files; what goes meanwhile counts as nothing. */
  static long bytes(Path folder) {
    File[] files = folder.toFile().listFiles();
    long bytes = 0;
    for (File file : files == null ? new File[0] : files) {
      bytes += file.isDirectory() ? bytes(file.toPath()) : file.length();
    }
    return bytes;
  }

  /** Whether all shards wait for nothing but new interactions. */
  boolean idle() {
    return Arrays.stream(keys)
        .mapToObj(operator()::progress)
        .allMatch(at -> at.phase == Phase.IDLE && at.queuedItems == 0);
  }

  @Override
  public void close() throws Exception {
    learn.close();
    merge.close();
    back.close();
    Folders.delete(folder.resolve("local"));
  }
}
