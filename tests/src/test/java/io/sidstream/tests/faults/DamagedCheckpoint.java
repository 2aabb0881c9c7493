package io.sidstream.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What a person does whose newest checkpoint cannot be read. */
final class DamagedCheckpoint {
  private final FaultCluster cluster;
  private final List<String> settings;
  private final Faults faults;
  private List<Path> kept;

  DamagedCheckpoint(Stage stage) {
    cluster = stage.cluster();
    settings = stage.settings();
    faults = stage.faults();
  }

  void inflict() throws Exception {
    faults.awaitRevision();
    // Both checkpoints that are kept are newer than it.
    Oracle.sleep(3_000);
    faults.inflict("newest checkpoint cannot be read", this::lose, this::goOn);
  }

  private void lose() throws Exception {
    cluster.replace();
    kept = cluster.keptCheckpoints();
    assertThat(kept).as("checkpoints that are kept").hasSizeGreaterThan(1);
    halve(kept.get(0));
  }

  private static void halve(Path checkpoint) throws IOException {
    try (Stream<Path> files = Files.list(checkpoint)) {
      for (Path path : files.toList()) {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
          file.setLength(file.length() / 2);
        }
      }
    }
  }

  private void goOn() throws Exception {
    assertThatThrownBy(() -> cluster.submit(settings, kept.get(0)))
        .as("the job does not begin from half a checkpoint")
        .isInstanceOf(IOException.class)
        .hasMessageContaining("EOFException");
    cluster.submit(settings, kept.get(1));
  }
}
