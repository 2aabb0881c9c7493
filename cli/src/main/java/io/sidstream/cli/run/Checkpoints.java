package io.sidstream.cli.run;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the checkpoint that a stopped or killed run left behind. */
public final class Checkpoints {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);

  private Checkpoints() {}

  /**
   * The newest complete checkpoint below a folder ({@code <job>/chk-<n>} with a {@code _metadata}
   * that can be read whole). One whose metadata was being written when the process was killed is
   * passed over: it was never completed.
   */
  public static Optional<Path> newest(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return Optional.empty();
    }
    List<Path> found = new ArrayList<>();
    try (Stream<Path> files = Files.find(folder, 3, (path, a) -> path.endsWith("_metadata"))) {
      files.forEach(found::add);
    }
    List<Stamped> byTime = new ArrayList<>();
    for (Path metadata : found) {
      byTime.add(new Stamped(metadata, Files.getLastModifiedTime(metadata), number(metadata)));
    }
    byTime.sort(Comparator.comparing(Stamped::time).thenComparing(Stamped::number).reversed());
    for (Stamped candidate : byTime) {
      if (readable(candidate.metadata)) {
        return Optional.of(candidate.metadata.getParent());
      }
    }
    return Optional.empty();
  }

  private static boolean readable(Path metadata) {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(metadata)))) {
      org.apache.flink.runtime.checkpoint.Checkpoints.loadCheckpointMetadata(
          in, Checkpoints.class.getClassLoader(), metadata.getParent().toString());
      return true;
    } catch (IOException | RuntimeException e) {
      LOG.warn("checkpoint {} is not complete and is passed over", metadata.getParent(), e);
      return false;
    }
  }

  private static long number(Path metadata) {
    String name = String.valueOf(metadata.getParent().getFileName());
    return name.matches("chk-\\d{1,18}") ? Long.parseLong(name.substring(4)) : -1;
  }

  private record Stamped(Path metadata, FileTime time, long number) {}
}
