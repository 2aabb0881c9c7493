package io.sidstream.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * Everything of Flink is lost but the checkpoints, and the newest of these is damaged. An operator
 * goes on from the one before; where readers have more than that, the job refuses it.
 */
final class OlderCheckpoint {
  private static final String METADATA = "_metadata";
  private static final String REFUSED = "the job's state is older than what readers have";
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final FaultCluster cluster;
  private final List<String> settings;
  private List<Path> kept = List.of();
  private int accepted;
  private int refused;

  OlderCheckpoint(FaultCluster cluster, List<String> settings) {
    this.cluster = cluster;
    this.settings = settings;
  }

  /** Loses everything, and damages the newest checkpoint. */
  void damage() throws IOException {
    cluster.flinks().forEach(Member::kill);
    kept = checkpoints();
    Path newest = kept.get(0);
    Path metadata = newest.resolve(METADATA);
    Files.copy(metadata, newest.resolve("whole"));
    try (FileChannel file = FileChannel.open(metadata, StandardOpenOption.WRITE)) {
      file.truncate(file.size() / 2);
    }
  }

  /** Does what an operator does. */
  void mend() throws Exception {
    List<Path> checkpoints = kept;
    assertThat(checkpoints).as("complete checkpoints that are kept").hasSizeGreaterThan(1);
    cluster.startAnew();
    assertThatThrownBy(() -> submit(checkpoints.get(0)))
        .as("start from a damaged checkpoint")
        .isInstanceOf(IOException.class);
    if (submit(checkpoints.get(1))) {
      accepted++;
      // Nobody is to take it for one again.
      Files.delete(checkpoints.get(0).resolve(METADATA));
      return;
    }
    refused++;
    // Readers had more than it: nothing but the newest will do, which an operator may have a copy
    // of.
    Path newest = checkpoints.get(0);
    Files.move(
        newest.resolve("whole"),
        newest.resolve(METADATA),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertThat(submit(newest)).as("the newest checkpoint, whole again, is accepted").isTrue();
  }

  /** Submits from a checkpoint; whether the job runs, or refuses it. */
  private boolean submit(Path checkpoint) throws Exception {
    cluster.submit(settings, checkpoint);
    String[] state = new String[1];
    Awaitility.await("the job that was submitted from " + checkpoint)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .until(
            () -> {
              state[0] = cluster.state();
              return state[0].equals("RUNNING") || state[0].equals("FAILED");
            });
    if (state[0].equals("FAILED")) {
      assertThat(cluster.failures()).contains(REFUSED);
      return false;
    }
    return true;
  }

  /** Those that are complete, the newest first. */
  private List<Path> checkpoints() throws IOException {
    try (Stream<Path> files = Files.walk(cluster.checkpoints(), 3)) {
      return files
          .filter(file -> file.getFileName().toString().equals(METADATA))
          .map(Path::getParent)
          .sorted(Comparator.comparingLong(OlderCheckpoint::written).reversed())
          .toList();
    }
  }

  private static long written(Path checkpoint) {
    return checkpoint.toFile().lastModified();
  }

  /** How often the one before was accepted. */
  int accepted() {
    return accepted;
  }

  /** How often it was refused. */
  int refused() {
    return refused;
  }
}
