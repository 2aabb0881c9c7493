package io.sidstream.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.IncrementalRemoteKeyedStateHandle;
import org.apache.flink.runtime.state.storage.FileSystemCheckpointStorage;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.state.rocksdb.RocksDBConfigurableOptions;
import org.apache.flink.state.rocksdb.RocksDBOptionsFactory;
import org.apache.flink.state.rocksdb.sstmerge.RocksDBManualCompactionOptions;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.AbstractEventListener;
import org.rocksdb.AbstractEventListener.EnabledEventCallback;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.FlushJobInfo;
import org.rocksdb.RocksDB;

@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
class LeanRocksDbTest {
  @TempDir Path folder;

  /** Emits how often a key has come. */
  private static final class Count extends KeyedProcessFunction<String, String, Integer> {
    @Override
    public void processElement(String key, Context context, Collector<Integer> out)
        throws Exception {
      ValueState<Integer> state =
          getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.INT));
      Integer before = state.value();
      int now = before == null ? 1 : before + 1;
      state.update(now);
      out.collect(now);
    }
  }

  private KeyedOneInputStreamOperatorTestHarness<String, String, Integer> open(
      boolean lean, OperatorSubtaskState from) throws Exception {
    EmbeddedRocksDBStateBackend backend = new EmbeddedRocksDBStateBackend(true);
    if (lean) {
      backend.setRocksDBOptions(new LeanRocksDb());
    }
    return open(new Count(), backend, from);
  }

  private KeyedOneInputStreamOperatorTestHarness<String, String, Integer> open(
      KeyedProcessFunction<String, String, Integer> function,
      EmbeddedRocksDBStateBackend backend,
      OperatorSubtaskState from)
      throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new KeyedProcessOperator<>(function), key -> key, Types.STRING);
    harness.setStateBackend(backend);
    harness.setCheckpointStorage(new FileSystemCheckpointStorage(folder.toUri()));
    harness.setup();
    if (from != null) {
      harness.initializeState(from);
    }
    harness.open();
    return harness;
  }

  private long idleCheckpoint(boolean lean) throws Exception {
    try (var harness = open(lean, null)) {
      harness.processElement("a", 0);
      harness.snapshot(1, 1);
      harness.notifyOfCompletedCheckpoint(1);
      return harness.snapshot(2, 2).getCheckpointedSize();
    }
  }

  @Test
  void anIdleCheckpointWritesNextToNothing() throws Exception {
    assertThat(idleCheckpoint(false)).isGreaterThan(10_000);
    assertThat(idleCheckpoint(true)).isPositive().isLessThan(2_000);
  }

  @Test
  void anIdleCheckpointWritesNoMoreAfterManyThatChangedSomething() throws Exception {
    try (var harness = open(true, null)) {
      int id = 1;
      for (; id <= 200; id++) {
        harness.processElement("a", id);
        harness.snapshot(id, id);
        harness.notifyOfCompletedCheckpoint(id);
      }
      // What RocksDB compacts by itself comes along once more.
      long least = Long.MAX_VALUE;
      for (; id <= 210; id++) {
        least = Math.min(least, harness.snapshot(id, id).getCheckpointedSize());
        harness.notifyOfCompletedCheckpoint(id);
      }
      assertThat(least).isPositive().isLessThan(8_000);
    }
  }

  /** Puts a number that rises into a map. */
  private static final class Rising extends KeyedProcessFunction<String, String, Integer> {
    private long number;

    @Override
    public void processElement(String key, Context context, Collector<Integer> out)
        throws Exception {
      getRuntimeContext()
          .getMapState(new MapStateDescriptor<>("rising", Types.LONG, Types.STRING))
          .put(number++, key);
    }
  }

  /** Files that a checkpoint has after many that each added a number. */
  private int filesOfRisingNumbers(Duration mergedEvery) throws Exception {
    Configuration flink = JobEnvironment.flink(JobConfig.of(Map.of()));
    assertThat(flink.get(RocksDBManualCompactionOptions.MIN_INTERVAL)).isPositive();
    flink.set(RocksDBManualCompactionOptions.MIN_INTERVAL, mergedEvery);
    EmbeddedRocksDBStateBackend backend =
        new EmbeddedRocksDBStateBackend(true).configure(flink, getClass().getClassLoader());
    try (var harness = open(new Rising(), backend, null)) {
      int files = 0;
      for (int id = 1; id <= 200; id++) {
        harness.processElement("a", id);
        OperatorSubtaskState state = harness.snapshot(id, id);
        harness.notifyOfCompletedCheckpoint(id);
        IncrementalRemoteKeyedStateHandle handle =
            (IncrementalRemoteKeyedStateHandle) state.getManagedKeyedState().iterator().next();
        files = handle.getSharedState().size();
        TimeUnit.MILLISECONDS.sleep(5);
      }
      return files;
    }
  }

  @Test
  void numbersThatRiseDoNotLeaveAFileEveryFewCheckpoints() throws Exception {
    assertThat(filesOfRisingNumbers(Duration.ZERO)).isGreaterThan(40);
    assertThat(filesOfRisingNumbers(Duration.ofMillis(50))).isLessThan(30);
  }

  /** Keeps a KiB that cannot be compressed. */
  private static final class Noise extends KeyedProcessFunction<String, String, Integer> {
    private final SplittableRandom random = new SplittableRandom(5);

    @Override
    public void processElement(String key, Context context, Collector<Integer> out)
        throws Exception {
      byte[] noise = new byte[1024];
      random.nextBytes(noise);
      getRuntimeContext()
          .getState(
              new ValueStateDescriptor<>(
                  "noise", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO))
          .update(noise);
    }
  }

  /** Tells the database, so that its work in the background can be waited for. */
  private static final class Watched implements RocksDBOptionsFactory {
    private static final long serialVersionUID = 1;
    private static volatile RocksDB database;

    @Override
    public DBOptions createDBOptions(DBOptions options, Collection<AutoCloseable> toClose) {
      AbstractEventListener listener =
          new AbstractEventListener(EnabledEventCallback.ON_FLUSH_COMPLETED) {
            @Override
            public void onFlushCompleted(RocksDB db, FlushJobInfo info) {
              database = db;
            }
          };
      toClose.add(listener);
      return new LeanRocksDb().createDBOptions(options, toClose).setListeners(List.of(listener));
    }

    @Override
    public ColumnFamilyOptions createColumnOptions(
        ColumnFamilyOptions options, Collection<AutoCloseable> toClose) {
      return options;
    }

    static void awaitMerged() throws Exception {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      // The flush of a checkpoint may be told after the checkpoint is there.
      while (database == null
          || database.getAggregatedLongProperty("rocksdb.compaction-pending") > 0
          || database.getAggregatedLongProperty("rocksdb.num-running-compactions") > 0) {
        assertThat(System.nanoTime()).as("RocksDB merges for a minute").isLessThan(end);
        TimeUnit.MILLISECONDS.sleep(5);
      }
    }
  }

  /** Bytes that 40 checkpoints write, of 20 changed keys each, where 30,000 are there. */
  private long bytesOfSmallChanges(Configuration flink) throws Exception {
    EmbeddedRocksDBStateBackend backend =
        new EmbeddedRocksDBStateBackend(true).configure(flink, getClass().getClassLoader());
    backend.setRocksDBOptions(new Watched());
    // That of a backend that is closed must not be asked.
    Watched.database = null;
    SplittableRandom random = new SplittableRandom(6);
    try (var harness = open(new Noise(), backend, null)) {
      int id = 1;
      for (; id <= 16; id++) {
        // The last writes what is merged of those before.
        for (int i = 0; i < 2_000 && id <= 15; i++) {
          // Each number once, in no order, as hashes of keys have none.
          harness.processElement("key" + (id * 2_000 + i) * 7_919 % 30_000, id);
        }
        harness.snapshot(id, id);
        harness.notifyOfCompletedCheckpoint(id);
        Watched.awaitMerged();
      }
      long bytes = 0;
      for (int end = id + 40; id < end; id++) {
        for (int i = 0; i < 20; i++) {
          harness.processElement("key" + random.nextInt(30_000), id);
        }
        bytes += harness.snapshot(id, id).getCheckpointedSize();
        harness.notifyOfCompletedCheckpoint(id);
        Watched.awaitMerged();
      }
      return bytes;
    }
  }

  @Test
  void aCheckpointWritesWhatHasChangedAndNotWhatIsThere() throws Exception {
    Configuration flink = JobEnvironment.flink(JobConfig.of(Map.of()));
    Configuration flinks = new Configuration(flink);
    flinks.removeConfig(RocksDBConfigurableOptions.MAX_SIZE_LEVEL_BASE);
    flinks.removeConfig(RocksDBConfigurableOptions.TARGET_FILE_SIZE_BASE);
    flinks.removeConfig(RocksDBConfigurableOptions.USE_DYNAMIC_LEVEL_SIZE);
    long flinksBytes = bytesOfSmallChanges(flinks);
    long bytes = bytesOfSmallChanges(flink);
    System.out.printf("bytes of 40 checkpoints: %d, as Flink has it %d%n", bytes, flinksBytes);
    assertThat(flinksBytes).as("several times all that is there").isGreaterThan(150_000_000);
    assertThat(bytes).isLessThan(flinksBytes / 2);
  }

  @Test
  void stateIsRestored() throws Exception {
    OperatorSubtaskState state;
    try (var harness = open(true, null)) {
      harness.processElement("a", 0);
      harness.processElement("a", 0);
      state = harness.snapshot(1, 1);
    }
    try (var harness = open(true, state)) {
      harness.processElement("a", 0);
      harness.processElement("b", 0);
      assertThat(harness.extractOutputValues()).containsExactly(3, 1);
    }
  }
}
