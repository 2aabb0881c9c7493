package io.sidstream.cli.run;

import io.sidstream.cli.UsageException;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.flink.runtime.OperatorIDPair;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the checkpoint that a stopped or killed run left behind. */
public final class Checkpoints {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);

  /**
   * Operators whose state numbers versions and rounds: a job that goes on without it would begin
   * them again.
   */
  private static final Set<String> LEARNER = Set.of("learn", "merge");

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

  /**
   * Refuses a checkpoint of a build whose operators are others. Flink refuses it too, but says only
   * the hash of one operator, after the cluster has started.
   *
   * @param from the checkpoint to go on from
   * @param job what would go on from it
   * @param dropUnclaimed whether state of operators that the job does not have is to be dropped, as
   *     {@code flink.execution.state-recovery.ignore-unclaimed-state} says
   * @throws UsageException names the checkpoint, the operators and the fix
   */
  static void requireOperators(Path from, JobGraph job, boolean dropUnclaimed) throws IOException {
    Set<OperatorID> known = new HashSet<>();
    Map<OperatorID, String> missing = new HashMap<>();
    for (JobVertex vertex : job.getVerticesSortedTopologicallyFromSources()) {
      for (OperatorIDPair operator : vertex.getOperatorIDs()) {
        known.add(operator.getGeneratedOperatorID());
        operator.getUserDefinedOperatorID().ifPresent(known::add);
        if (LEARNER.contains(String.valueOf(operator.getUserDefinedOperatorUid()))) {
          missing.put(operator.getGeneratedOperatorID(), operator.getUserDefinedOperatorUid());
        }
      }
    }
    List<String> unclaimed = new ArrayList<>();
    for (OperatorState state : load(from.resolve("_metadata")).getOperatorStates()) {
      missing.remove(state.getOperatorID());
      if (!known.contains(state.getOperatorID()) && holdsSomething(state)) {
        unclaimed.add(
            state.getOperatorUid().or(state::getOperatorName).orElse("" + state.getOperatorID()));
      }
    }
    if (missing.isEmpty() && (dropUnclaimed || unclaimed.isEmpty())) {
      return;
    }
    List<String> found = new ArrayList<>();
    if (!unclaimed.isEmpty()) {
      found.add(
          "it has state of operators that this build does not have: "
              + String.join(", ", new TreeSet<>(unclaimed)));
    }
    if (!missing.isEmpty()) {
      found.add(
          "it has no state of operators that this build goes on from: "
              + String.join(", ", new TreeSet<>(missing.values())));
    }
    throw new UsageException(
        "checkpoint "
            + from
            + " was made by another build of sidstream: "
            + String.join("; ", found)
            + ". Go on with the build that made it, or begin without state: another --state folder, and"
            + " another topics.prefix and kafka.group");
  }

  private static boolean holdsSomething(OperatorState state) {
    return state.getCoordinatorState() != null
        || state.getStates().stream().anyMatch(OperatorSubtaskState::hasState);
  }

  private static CheckpointMetadata load(Path metadata) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(metadata)))) {
      return org.apache.flink.runtime.checkpoint.Checkpoints.loadCheckpointMetadata(
          in, Checkpoints.class.getClassLoader(), metadata.getParent().toString());
    }
  }

  private static boolean readable(Path metadata) {
    try {
      load(metadata);
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
