package io.sidstream.cli.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.UsageException;
import io.sidstream.job.config.JobConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.state.KeyGroupRangeOffsets;
import org.apache.flink.runtime.state.KeyGroupsStateHandle;
import org.apache.flink.runtime.state.memory.ByteStreamStateHandle;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.graph.StreamGraphHasherV2;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointsTest {
  private static final String OLD = "0123456789abcdef0123456789abcdef";
  private static final String NEW = "fedcba9876543210fedcba9876543210";

  @TempDir private Path folder;

  private Path write(String name, String text, int time) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000L + time));
    return file;
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .map(f -> folder.relativize(f).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void whatNoRunGoesOnFromIsDeleted() throws IOException {
    // Shared by the newest of the old run, by its older one, and by none.
    write(OLD + "/shared/aaa", "", 1);
    write(OLD + "/shared/bbb", "", 1);
    write(OLD + "/shared/ccc", "", 1);
    write(OLD + "/chk-8/_metadata", "file:/x/shared/bbb", 2);
    write(OLD + "/chk-8/own", "", 2);
    write(OLD + "/chk-9/_metadata", "file:/x/shared/aaa", 3);
    write(NEW + "/chk-11/_metadata", "file:/x/shared/aaa", 5);
    Path newest = write(NEW + "/chk-12/_metadata", "file:/x/shared/aaa file:/x/ddd", 6);
    write(NEW + "/shared/ddd", "", 6);
    write(NEW + "/shared/eee", "", 6);
    write("savepoint-1/_metadata", "", 4);
    write("notes.txt", "", 0);
    assertThat(Checkpoints.clean(folder, newest.getParent())).isEqualTo(6);
    assertThat(files())
        .containsExactly(
            OLD + "/shared/aaa",
            NEW + "/chk-11/_metadata",
            NEW + "/chk-12/_metadata",
            NEW + "/shared/ddd",
            "notes.txt",
            "savepoint-1/_metadata");
    assertThat(folder.resolve(OLD).resolve("chk-8")).doesNotExist();
    // Again there is nothing.
    assertThat(Checkpoints.clean(folder, newest.getParent())).isZero();
  }

  /** A checkpoint with the keyed state of operators, in the metadata itself. */
  private Path checkpoint(String... uids) throws IOException {
    List<OperatorState> states = new ArrayList<>();
    for (String uid : uids) {
      OperatorID id = new OperatorID(StreamGraphHasherV2.generateUserSpecifiedHash(uid));
      OperatorState state = new OperatorState("Operator " + uid, uid, id, 1, 128);
      state.putState(
          0,
          OperatorSubtaskState.builder()
              .setManagedKeyedState(
                  new KeyGroupsStateHandle(
                      new KeyGroupRangeOffsets(0, 127),
                      new ByteStreamStateHandle(uid, new byte[] {1})))
              .build());
      states.add(state);
    }
    Path checkpoint = folder.resolve(OLD).resolve("chk-7");
    Files.createDirectories(checkpoint);
    try (OutputStream out = Files.newOutputStream(checkpoint.resolve("_metadata"))) {
      org.apache.flink.runtime.checkpoint.Checkpoints.storeCheckpointMetadata(
          new CheckpointMetadata(7, states, List.of()), out);
    }
    return checkpoint;
  }

  private static JobGraph job(String... uids) {
    StreamExecutionEnvironment environment = new StreamExecutionEnvironment();
    environment.setParallelism(1);
    DataStream<Long> numbers = environment.fromSequence(0, 1).uid("numbers");
    for (String uid : uids) {
      numbers = numbers.map(x -> x).returns(Long.class).uid(uid).name("Operator " + uid);
    }
    numbers.sinkTo(new DiscardingSink<>()).uid("sink");
    return environment.getStreamGraph().getJobGraph();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void stateOfABuildThatLearntOtherwiseIsRefused(boolean dropUnclaimed) throws IOException {
    Path checkpoint = checkpoint("embed", "train", "fit");
    assertThat(Checkpoints.newest(folder)).contains(checkpoint);
    JobGraph job = job("embed", "learn", "merge");
    assertThatThrownBy(() -> Checkpoints.requireOperators(checkpoint, job, dropUnclaimed))
        .isInstanceOf(UsageException.class)
        .hasMessage(
            "checkpoint "
                + checkpoint
                + " was made by another build of sidstream: it has state of operators that this build does"
                + " not have: fit, train; it has no state of operators that this build goes on from: learn,"
                + " merge. Go on with the build that made it, or begin without state: another --state"
                + " folder, and another topics.prefix and kafka.group");
  }

  @Test
  void stateOfOperatorsThatAreGoneIsRefusedUnlessItIsToBeDropped() throws IOException {
    Path checkpoint = checkpoint("embed", "learn", "merge", "extra");
    JobGraph job = job("embed", "learn", "merge");
    assertThatThrownBy(() -> Checkpoints.requireOperators(checkpoint, job, false))
        .hasMessageContaining("does not have: extra. Go on");
    assertThatCode(() -> Checkpoints.requireOperators(checkpoint, job, true))
        .doesNotThrowAnyException();
  }

  @Test
  void newOperatorsMayBeginWithoutState() throws IOException {
    Path checkpoint = checkpoint("learn", "merge");
    assertThatCode(
            () -> Checkpoints.requireOperators(checkpoint, job("learn", "merge", "new"), false))
        .doesNotThrowAnyException();
  }

  @Test
  void theLauncherRefusesItAndDeletesNothing() throws Exception {
    checkpoint("train");
    write(OLD + "/shared/aaa", "", 1);
    JobConfig config = JobConfig.load(null, List.of("parallelism=1"));
    assertThatThrownBy(
            () ->
                JobRun.start(
                    config,
                    folder,
                    18_081,
                    (environment, c) ->
                        environment.fromSequence(0, 1).uid("n").sinkTo(new DiscardingSink<>())))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("does not have: train. Go on");
    assertThat(files()).containsExactly(OLD + "/chk-7/_metadata", OLD + "/shared/aaa");
  }
}
