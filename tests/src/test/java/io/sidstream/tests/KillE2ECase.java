package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.tokens.TokenAudit;
import io.sidstream.cli.tokens.Verification;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The job's process is killed ({@code kill -9}) ten times in a row or more, in turns between BEGIN
 * and COMMIT and between COMMIT and the checkpoint that makes it visible, and goes on each time
 * from its last checkpoint: {@code tokens verify} passes after each.
 */
class KillE2ECase {
  private static final int KILLS = 10;

  /** Kills of either kind that must have come in time. */
  private static final int ENOUGH = 4;

  /** So many that a scan, an item at a time, takes the better part of a second. */
  private static final int ITEMS = 8_000;

  private static final Duration LONG = Duration.ofSeconds(120);

  @TempDir Path folder;

  @Test
  void verifyPassesAfterEachOfTenKills() throws Exception {
    String[] sets = {
      "quantizer.round-every=1",
      "quantizer.steps=2",
      // A scan outlives the way of its BEGIN to the reader that kills.
      "tokenize.scan-slice=1",
      // A COMMIT has some time before the checkpoint.
      "checkpoint.interval=1 s"
    };
    List<String> settings = TinyJob.settings(Broker.bootstrap(), "kills", sets);
    JobConfig config = JobConfig.load(null, settings);
    Topics.create(config);
    int kills = 0;
    int afterBegin = 0;
    int afterCommit = 0;
    try (Inputs in = new Inputs(config);
        Versions all = new Versions(config);
        TokenLog committed = TinyJob.log(config, true)) {
      Traffic traffic = new Traffic(in, ITEMS);
      in.items(0, ITEMS);
      // How often a kill comes in time depends on the machine: some more where too few did.
      for (; kills < KILLS || afterBegin < ENOUGH || afterCommit < ENOUGH; kills++) {
        assertThat(kills)
            .as("kills, %d after BEGIN and %d after COMMIT in time", afterBegin, afterCommit)
            .isLessThan(3 * KILLS);
        boolean begin = kills < KILLS ? kills % 2 == 0 : afterBegin < ENOUGH;
        VersionState point = begin ? VersionState.BEGIN : VersionState.COMMIT;
        try (Command job = start(kills, settings)) {
          if (kills > 0) {
            // What the life before left under way is finished or begun again by this one.
            verify(config, "after kill " + kills);
          }
          committed.poll();
          all.skip();
          long end = System.nanoTime() + LONG.toNanos();
          int version;
          while ((version = all.next(point)) <= committed.committed()) {
            assertThat(job.running()).as(job.output()).isTrue();
            assertThat(System.nanoTime()).as("no %s: %s", point, job.output()).isLessThan(end);
            if (all.silent()) {
              committed.poll();
              traffic.keepGoing(committed);
            }
          }
          job.kill();
          // What was written up to the last moment counts.
          all.drain();
          committed.poll();
          if (point == VersionState.COMMIT) {
            // Not visible: the checkpoint that ends its transaction had not come.
            afterCommit += committed.committed() < version ? 1 : 0;
          } else {
            afterBegin += all.saw(VersionState.COMMIT) < version ? 1 : 0;
          }
        }
      }
      try (Command job = start(kills, settings)) {
        // A kill that is quick takes the version with it, so that a fast machine has made few.
        committed.await(
            "versions after all kills",
            LONG,
            () -> {
              traffic.keepGoing(committed);
              return committed.committed() >= KILLS / 2;
            });
        committed.await("the end", LONG, () -> traffic.settled(committed));
        verify(config, "at the end");
        committed.awaitVerified();
        assertThat(committed.deadLetters).isEmpty();
        assertThat(job.running()).as(job.output()).isTrue();
      }
    }
  }

  private static void verify(JobConfig config, String when) throws InterruptedException {
    TokenAudit.Report report =
        Verification.run(
            config.get(JobOptions.KAFKA_BOOTSTRAP),
            config.get(JobOptions.TOPICS_PREFIX),
            new Properties(),
            false,
            true,
            LONG);
    assertThat(report.passed()).as("%s: %s", when, report.text()).isTrue();
    assertThat(report.versions()).as(when).isNotEmpty();
  }

  private Command start(int life, List<String> settings) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("job", "--ui-port", "18481"));
    arguments.addAll(List.of("--state", folder.resolve("state").toString()));
    settings.forEach(set -> arguments.addAll(List.of("--set", set)));
    return Command.start(folder.resolve("output" + life + ".txt"), arguments);
  }

  /** Sees the records of the versions topic the moment they are written, committed or not. */
  private static final class Versions implements AutoCloseable {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final WireFormat wire = new WireFormat();
    private final Map<VersionState, Integer> newest = new TreeMap<>();
    private boolean silent;

    Versions(JobConfig config) {
      consumer =
          new KafkaConsumer<>(
              Map.of(
                  ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                  config.get(JobOptions.KAFKA_BOOTSTRAP),
                  ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                  "read_uncommitted"),
              new ByteArrayDeserializer(),
              new ByteArrayDeserializer());
      String topic = Topics.versions(config);
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
    }

    /** Passes over what is there by now. */
    void skip() {
      drain();
      newest.clear();
    }

    /** Reads all that is there by now, whether or not a poll comes back empty meanwhile. */
    void drain() {
      Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
      while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
        next(VersionState.BEGIN);
      }
    }

    /** The newest version of that state since {@link #skip}, 0 for none. */
    int next(VersionState state) {
      var records = consumer.poll(Duration.ofMillis(20));
      silent = records.isEmpty();
      for (ConsumerRecord<byte[], byte[]> record : records) {
        VersionRecord version = wire.decode(record.value(), VersionRecord.class);
        newest.merge(version.getState(), version.getVersion(), Math::max);
      }
      return saw(state);
    }

    int saw(VersionState state) {
      return newest.getOrDefault(state, 0);
    }

    boolean silent() {
      return silent;
    }

    @Override
    public void close() {
      consumer.close();
    }
  }
}
