package io.sidstream.cli.run;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
    for (Stamped candidate : newestFirst(folder)) {
      if (readable(candidate.metadata)) {
        return Optional.of(candidate.metadata.getParent());
      }
    }
    return Optional.empty();
  }

  private static List<Stamped> newestFirst(Path folder) throws IOException {
    List<Stamped> byTime = new ArrayList<>();
    if (!Files.isDirectory(folder)) {
      return byTime;
    }
    List<Path> found = new ArrayList<>();
    try (Stream<Path> files = Files.find(folder, 3, (path, a) -> path.endsWith("_metadata"))) {
      files.forEach(found::add);
    }
    for (Path metadata : found) {
      byTime.add(new Stamped(metadata, Files.getLastModifiedTime(metadata), number(metadata)));
    }
    byTime.sort(Comparator.comparing(Stamped::time).thenComparing(Stamped::number).reversed());
    return byTime;
  }

  /**
   * Deletes what earlier runs have left below a folder and no run goes on from: each keeps its two
   * newest checkpoints, and the next run takes charge of only one of them. The checkpoint to go on
   * from stays, with all files that it names, and the one before it. Savepoints, which people take,
   * stay too. Only while no job uses the folder.
   *
   * @param from the checkpoint to go on from
   * @return files deleted
   */
  public static int clean(Path folder, Path from) throws IOException {
    List<Path> kept = new ArrayList<>(List.of(from));
    for (Stamped stamped : newestFirst(folder)) {
      Path checkpoint = stamped.metadata.getParent();
      if (kept.size() < 2 && !checkpoint.equals(from) && stamped.number >= 0) {
        kept.add(checkpoint);
      }
    }
    StringBuilder named = new StringBuilder();
    for (Path checkpoint : kept) {
      // The names of state files are unique, and stand in the metadata as they are.
      named.append(Files.readString(checkpoint.resolve("_metadata"), StandardCharsets.ISO_8859_1));
    }
    int deleted = 0;
    List<Path> jobs;
    try (Stream<Path> folders = Files.list(folder)) {
      jobs = folders.filter(f -> f.getFileName().toString().matches("[0-9a-f]{32}")).toList();
    }
    for (Path job : jobs) {
      List<Path> deepestFirst;
      try (Stream<Path> files = Files.walk(job)) {
        deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
      }
      for (Path file : deepestFirst) {
        if (Files.isDirectory(file)) {
          try (Stream<Path> inside = Files.list(file)) {
            if (inside.findAny().isEmpty()) {
              Files.delete(file);
            }
          }
        } else if (kept.stream().noneMatch(file::startsWith)
            && named.indexOf(file.getFileName().toString()) < 0) {
          Files.delete(file);
          deleted++;
        }
      }
    }
    return deleted;
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
