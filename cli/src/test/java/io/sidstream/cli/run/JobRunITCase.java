package io.sidstream.cli.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JobRunITCase {
  private static final AtomicLong FIRST = new AtomicLong(-1);

  /** The count in the newest complete checkpoint: the first may hold none. */
  private static final AtomicLong CHECKPOINTED = new AtomicLong();

  @TempDir Path parent;

  @ParameterizedTest
  @ValueSource(
      strings = {"plain", "with space", "gr\u00f6\u00dfe", "50%20off", "c#", "a,b", "a+b&c?d=e"})
  void goesOnFromTheNewestCheckpointThatCanBeRead(String name) throws Exception {
    Path folder = parent.resolve(name);
    CHECKPOINTED.set(0);
    FIRST.set(-1);
    JobConfig config = JobConfig.load(null, List.of("parallelism=1"));
    try (JobRun run = JobRun.start(config, folder, 18_081, JobRunITCase::counting)) {
      assertThat(run.restoredFrom()).isEmpty();
      HttpURLConnection ui = (HttpURLConnection) run.ui().resolve("/").toURL().openConnection();
      assertThat(ui.getResponseCode()).as("the web UI answers").isEqualTo(200);
      Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> CHECKPOINTED.get() > 100);
      assertThat(run.awaitRunning()).isTrue();
      assertThat(run.failure()).isEmpty();
      assertThat(run.restartedAfter()).isEmpty();
    }
    Path newest = Checkpoints.newest(folder).orElseThrow();
    try (Stream<Path> siblings = Files.list(parent)) {
      assertThat(siblings).as("nothing is written beside it").containsExactly(folder);
    }

    // What a kill in the middle of a checkpoint leaves: metadata that is cut off. It is newer, and
    // must be passed over.
    Path cut = Files.createDirectories(newest.resolveSibling("chk-999999")).resolve("_metadata");
    Files.copy(newest.resolve("_metadata"), cut);
    try (FileChannel channel = FileChannel.open(cut, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() / 2);
    }
    assertThat(Checkpoints.newest(folder)).contains(newest);

    FIRST.set(-1);
    try (JobRun run = JobRun.start(config, folder, 18_081, JobRunITCase::counting)) {
      assertThat(run.restoredFrom()).contains(newest);
      Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> FIRST.get() >= 0);
    }
    assertThat(FIRST.get()).as("the count went on").isGreaterThan(1);
  }

  @Test
  void tellsWhyTheJobFailed() throws Exception {
    JobConfig config =
        JobConfig.load(null, List.of("parallelism=1", "flink.restart-strategy.type=none"));
    // The port asked for is taken: the next one is used.
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("localhost"));
        JobRun run = JobRun.start(config, null, taken.getLocalPort(), JobRunITCase::failing)) {
      assertThat(run.ui().getPort()).isGreaterThan(taken.getLocalPort());
      Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> run.failure().isPresent());
      Optional<Throwable> failure = run.failure();
      assertThat(failure.orElseThrow()).hasRootCauseMessage("number 7 is one too many");
    }
  }

  private static void counting(StreamExecutionEnvironment environment, JobConfig config) {
    environment.setParallelism(1);
    environment.enableCheckpointing(100);
    environment
        .fromSequence(0, Long.MAX_VALUE)
        .uid("numbers")
        .keyBy(x -> 0)
        .process(new Count())
        .uid("count")
        .sinkTo(new DiscardingSink<>())
        .uid("sink");
  }

  private static void failing(StreamExecutionEnvironment environment, JobConfig config) {
    environment
        .fromSequence(0, 100)
        .map(
            x -> {
              if (x == 7) {
                throw new IllegalStateException("number 7 is one too many");
              }
              return x;
            })
        .sinkTo(new DiscardingSink<>());
  }

  private static final class Count extends KeyedProcessFunction<Integer, Long, Long>
      implements CheckpointedFunction, CheckpointListener {
    private transient ValueState<Long> count;
    private transient long newest;
    private transient Map<Long, Long> atCheckpoint;

    @Override
    public void open(OpenContext context) {
      count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Long.class));
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
      atCheckpoint = new HashMap<>();
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
      atCheckpoint.put(context.getCheckpointId(), newest);
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      CHECKPOINTED.set(atCheckpoint.get(checkpoint));
    }

    @Override
    public void processElement(Long x, Context context, Collector<Long> out) throws Exception {
      long now = count.value() == null ? 1 : count.value() + 1;
      count.update(now);
      FIRST.compareAndSet(-1, now);
      newest = now;
      LockSupport.parkNanos(200_000);
    }
  }
}
