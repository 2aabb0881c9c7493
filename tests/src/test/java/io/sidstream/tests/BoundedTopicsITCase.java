package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.run.JobRun;
import io.sidstream.cli.tokens.TokenAudit;
import io.sidstream.cli.tokens.Verification;
import io.sidstream.client.TokenTable;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.EarlierVersions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What stays on the job's own topics is bounded by what is kept, not by how long the job runs; and
 * when the broker has compacted the rest away, a reader that starts, the commands and the job
 * itself have all that they need.
 */
class BoundedTopicsITCase {
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final int RECORDS = 16;
  private static final int CODEBOOKS = 3;

  @TempDir Path folder;

  @Test
  void topicsAreBoundedAndReadersHaveWhatTheyNeed() throws Exception {
    JobConfig config =
        TinyJob.config(
            Broker.bootstrap(),
            "bounded",
            "topics.kept-records=" + RECORDS,
            "topics.kept-codebooks=" + CODEBOOKS,
            "checkpoint.interval=250 ms",
            "learn.round-interactions=50",
            "quantizer.round-every=1");
    Topics.create(config);
    compactAtOnce(config);
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true)) {
      in.items(0, 60);
      int[] sent = {0};
      try (JobRun run = JobRun.start(config, folder, 18_481, SidstreamJob::build)) {
        out.await("more versions than are kept", LONG, () -> goOn(in, out, sent, RECORDS + 2));
        // While the job still writes: what is written last is never compacted.
        Awaitility.await("the broker has compacted the versions topic")
            .atMost(LONG)
            .pollInterval(Duration.ofMillis(500))
            .until(
                () -> {
                  goOn(in, out, sent, Integer.MAX_VALUE);
                  return versions(config).stream()
                      .noneMatch(v -> v.getState() == VersionState.COMMIT && v.getVersion() == 1);
                });
        out.await("all is learnt", LONG, () -> settled(out, sent));
        assertThat(run.restartedAfter()).isEmpty();
      }

      Map<String, byte[]> versions = live(config, Topics.versions(config));
      assertThat(byKind(versions, 0))
          .containsEntry("BEGIN", (long) RECORDS)
          .containsEntry("COMMIT", (long) RECORDS)
          .containsEntry("REVISION", (long) RECORDS);
      assertThat(versions).hasSizeLessThanOrEqualTo(4 * RECORDS);
      Map<String, Long> models = byKind(live(config, Topics.models(config)), 1);
      // Those of a version under way when the newest was judged come on top.
      assertThat(models.get("CODEBOOKS")).isLessThanOrEqualTo(CODEBOOKS + 1);
      for (String part : List.of("ENCODER", "DECODER", "RECOMMENDER")) {
        assertThat(models.get(part)).as(part).isBetween(1L, 3L);
      }
      assertThat(live(config, Topics.idEmbeddings(config))).hasSizeLessThanOrEqualTo(60);

      assertThatThrownBy(() -> EarlierVersions.refuse(config))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("already holds token version " + out.committed());
      requireReadable(config, out.committed());

      try (JobRun run = JobRun.start(config, folder, 18_481, SidstreamJob::build)) {
        assertThat(run.restoredFrom()).isPresent();
        int before = out.committed();
        out.await("a version after the restart", LONG, () -> goOn(in, out, sent, before + 1));
        out.await("all is learnt", LONG, () -> settled(out, sent));
        assertThat(run.restartedAfter()).isEmpty();
      }
      out.awaitVerified();
      requireReadable(config, out.committed());
    }
  }

  /** Feeds some rounds ahead until so many versions are committed. */
  private static boolean goOn(Inputs in, TokenLog out, int[] sent, int versions) {
    out.poll();
    if (out.committed() >= versions) {
      return true;
    }
    if (out.committed() > 0 && sent[0] < out.interactions() + 300) {
      in.interactions(sent[0], sent[0] += 100, 60);
      in.flush();
    }
    return false;
  }

  private static boolean settled(TokenLog out, int[] sent) {
    return out.interactions() == sent[0] && out.begun() == out.committed();
  }

  /** A reader that starts now has the newest version, whole, with its codebooks. */
  private static void requireReadable(JobConfig config, int version) throws Exception {
    String prefix = config.get(JobOptions.TOPICS_PREFIX);
    try (TokenTable table = TokenTable.builder(Broker.bootstrap()).prefix(prefix).open()) {
      table.await(version, LONG);
      assertThat(table.view().version()).isEqualTo(version);
      assertThat(table.view().size()).isEqualTo(60);
      assertThat(table.view().semanticEmbedding(Inputs.name(7))).isNotEmpty();
    }
    TokenAudit.Report report =
        Verification.run(Broker.bootstrap(), prefix, new Properties(), false, true, LONG);
    assertThat(report.problems()).isEmpty();
    assertThat(report.versions().get(version)).isEqualTo(TokenAudit.State.VERIFIED);
  }

  /** The broker is to compact within seconds, not within the hour that topics are made with. */
  private static void compactAtOnce(JobConfig config) throws Exception {
    List<AlterConfigOp> ops = new ArrayList<>();
    Map.of(
            TopicConfig.SEGMENT_MS_CONFIG,
            "1000",
            TopicConfig.MAX_COMPACTION_LAG_MS_CONFIG,
            "1000",
            TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG,
            "0.01")
        .forEach(
            (name, value) ->
                ops.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
    try (Admin admin =
        Admin.create(Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, Broker.bootstrap()))) {
      admin
          .incrementalAlterConfigs(
              List.of(Topics.versions(config), Topics.models(config), Topics.idEmbeddings(config))
                  .stream()
                  .collect(
                      Collectors.toMap(
                          t -> new ConfigResource(ConfigResource.Type.TOPIC, t), t -> ops)))
          .all()
          .get();
    }
  }

  /** What stays on a topic when all of it is compacted: the newest value of each key. */
  private static Map<String, byte[]> live(JobConfig config, String topic) {
    Map<String, byte[]> live = new TreeMap<>();
    for (ConsumerRecord<byte[], byte[]> record : read(config, topic)) {
      String key = new String(record.key(), StandardCharsets.UTF_8);
      if (record.value() == null) {
        live.remove(key);
      } else {
        live.put(key, record.value());
      }
    }
    return live;
  }

  /** Keys by one of their fields. */
  private static Map<String, Long> byKind(Map<String, byte[]> live, int field) {
    return live.keySet().stream()
        .collect(Collectors.groupingBy(key -> key.split("/")[field], Collectors.counting()));
  }

  private static List<VersionRecord> versions(JobConfig config) {
    WireFormat wire = new WireFormat();
    return read(config, Topics.versions(config)).stream()
        .map(record -> wire.decode(record.value(), VersionRecord.class))
        .toList();
  }

  /** What is on a topic now. */
  private static List<ConsumerRecord<byte[], byte[]>> read(JobConfig config, String topic) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                config.get(JobOptions.KAFKA_BOOTSTRAP),
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                "read_committed"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
    }
    return records;
  }
}
