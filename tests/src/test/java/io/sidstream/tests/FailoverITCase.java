package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.run.Checkpoints;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.EarlierVersions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The job is cut off at awkward and at random moments, and goes on from its newest checkpoint, at
 * another parallelism: the committed tables are the same as if nothing had happened.
 */
class FailoverITCase {
  private static final Duration LONG = Duration.ofSeconds(90);

  /** When a life ends. */
  private enum Cut {
    /** A version has begun for a reader of committed records, so that a checkpoint lies behind. */
    BETWEEN_BEGIN_AND_COMMIT,
    /** The COMMIT is written, and its transaction is perhaps still open. */
    RIGHT_AFTER_COMMIT,
    /** After so many interactions more. */
    SOMEWHERE
  }

  @TempDir Path folder;

  @Test
  void committedTablesSurviveCutsAndOtherParallelism() throws Exception {
    // A scan that takes several checkpoints: one item a slice.
    String[] slow = {"tokenize.scan-slice=1", "checkpoint.interval=250 ms"};
    JobConfig config = TinyJob.config(Broker.bootstrap(), "failover", slow);
    Topics.create(config);
    Cut[] cuts = {
      Cut.BETWEEN_BEGIN_AND_COMMIT,
      Cut.RIGHT_AFTER_COMMIT,
      Cut.SOMEWHERE,
      Cut.BETWEEN_BEGIN_AND_COMMIT,
      Cut.SOMEWHERE,
      Cut.RIGHT_AFTER_COMMIT
    };
    int[] parallelism = {2, 1, 3, 2, 3, 1, 2};
    SplittableRandom random = new SplittableRandom(5);
    try (Inputs in = new Inputs(config);
        TokenLog committed = TinyJob.log(config, true);
        TokenLog all = TinyJob.log(config, false)) {
      Traffic traffic = new Traffic(in);
      // So many that a barrier often falls into a scan, an item at a time.
      in.items(0, Traffic.FIRST_ITEMS);
      int between = 0;
      // On a fast machine COMMIT may follow BEGIN before the job is gone: more lives, if need be.
      int life = 0;
      for (; life < cuts.length || between == 0; life++) {
        assertThat(life).as("lives without a cut between BEGIN and COMMIT").isLessThan(20);
        Cut cut = life < cuts.length ? cuts[life] : Cut.BETWEEN_BEGIN_AND_COMMIT;
        String what = cut + " in life " + life;
        try (JobRun run = run(config, "failover", parallelism[life % parallelism.length], slow)) {
          assertThat(run.restoredFrom().isPresent()).isEqualTo(life > 0);
          // Past what the life before left under way.
          all.poll();
          int begun = all.begun();
          long target = committed.interactions() + random.nextInt(100, 300);
          TokenLog watched = cut == Cut.RIGHT_AFTER_COMMIT ? all : committed;
          watched.await(
              what,
              LONG,
              () -> {
                run.failure()
                    .ifPresent(
                        f -> {
                          throw new AssertionError(what, f);
                        });
                traffic.keepGoing(watched);
                return switch (cut) {
                  case BETWEEN_BEGIN_AND_COMMIT ->
                      watched.begun() >= begun && watched.begun() > watched.committed();
                  case RIGHT_AFTER_COMMIT -> watched.committed() > begun;
                  case SOMEWHERE -> watched.interactions() >= target;
                };
              });
          assertThat(run.restartedAfter()).isEmpty();
        }
        // The job is gone: no checkpoint that was completed holds the COMMIT.
        committed.poll();
        between += committed.begun() > committed.committed() ? 1 : 0;
      }
      try (JobRun run = run(config, "failover", parallelism[life % parallelism.length], slow)) {
        int before = committed.committed();
        committed.await("another version", LONG, () -> more(traffic, committed, before));
        committed.await("the end", LONG, () -> traffic.settled(committed));
        committed.awaitVerified();
        assertThat(committed.interactions()).isEqualTo(traffic.interactions());
        assertThat(committed.items()).isEqualTo(traffic.items());
        assertThat(committed.deadLetters).isEmpty();
        assertThat(run.restartedAfter()).isEmpty();
        assertThat(
                committed.versions(VersionState.COMMIT).stream()
                    .mapToLong(VersionRecord::getMovedItems)
                    .sum())
            .as("tokens moved")
            .isPositive();
      }
    }
  }

  private static boolean more(Traffic traffic, TokenLog log, int before) {
    traffic.keepGoing(log);
    return log.committed() > before;
  }

  @Test
  void withoutItsStateTheJobDoesNotBeginAgain() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "lost");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog log = TinyJob.log(config, true)) {
      // Nobody's record, which must not keep a new job from its start.
      in.sendNow(Topics.versions(config), Inputs.bytes("1"), Inputs.bytes("nobody's"));
      EarlierVersions.refuse(config);
      in.items(0, 40);
      try (JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
        log.await("a version", LONG, () -> log.committed() == 1);
        assertThat(run.failure()).isEmpty();
      }
      assertThatThrownBy(() -> EarlierVersions.refuse(config))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("lost.versions already holds token version 1")
          .hasMessageContaining("--state DIR");

      // However it is submitted: the job itself ends, at once.
      Path empty = folder.resolve("empty");
      try (JobRun run = JobRun.start(config, empty, 18_381, SidstreamJob::build)) {
        Awaitility.await().atMost(LONG).until(() -> run.failure().isPresent());
        assertThat(run.failure().orElseThrow())
            .hasRootCauseInstanceOf(ConfigException.class)
            .rootCause()
            .hasMessageContaining("lost.versions already holds token version 1");
      }
      assertThat(Checkpoints.newest(empty)).isEmpty();
      log.poll();
      assertThat(log.versions(VersionState.BEGIN)).hasSize(1);

      try (JobRun run = JobRun.start(config, folder, 18_381, SidstreamJob::build)) {
        assertThat(run.restoredFrom()).isPresent();
        in.put("later", Inputs.vector("later"));
        log.await("a token", LONG, () -> log.token("later") != null);
        Optional<Throwable> failure = run.failure();
        assertThat(failure).isEmpty();
      }
    }
  }

  @Test
  void stateOlderThanTheTopicsIsRefused() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "older", "quantizer.round-every=1");
    Topics.create(config);
    Path state = folder.resolve("state");
    Path older = folder.resolve("older");
    try (Inputs in = new Inputs(config);
        TokenLog log = TinyJob.log(config, true)) {
      Traffic traffic = new Traffic(in);
      in.items(0, Traffic.FIRST_ITEMS);
      try (JobRun run = JobRun.start(config, state, 18_381, SidstreamJob::build)) {
        log.await("a version", LONG, () -> log.committed() == 1);
        assertThat(run.failure()).isEmpty();
      }
      copy(state, older);
      try (JobRun run = JobRun.start(config, state, 18_381, SidstreamJob::build)) {
        int before = log.committed();
        log.await("another version", LONG, () -> more(traffic, log, before));
        assertThat(run.failure()).isEmpty();
      }
      // A checkpoint names its files by their whole path.
      Files.move(state, folder.resolve("newer"));
      Files.move(older, state);
      try (JobRun run = JobRun.start(config, state, 18_381, SidstreamJob::build)) {
        Awaitility.await().atMost(LONG).until(() -> run.failure().isPresent());
        assertThat(run.failure().orElseThrow())
            .rootCause()
            .hasMessageContaining("the job's state is older than what readers have: topic ")
            .hasMessageContaining("older.versions has token version");
      }
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }

  private JobRun run(JobConfig base, String name, int parallelism, String... sets)
      throws Exception {
    String[] all = java.util.Arrays.copyOf(sets, sets.length + 1);
    all[sets.length] = "parallelism=" + parallelism;
    return JobRun.start(
        TinyJob.config(Broker.bootstrap(), name, all), folder, 18_381, SidstreamJob::build);
  }
}
