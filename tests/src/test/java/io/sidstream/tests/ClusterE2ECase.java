package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The job's jar on a standalone cluster: uploaded by REST, its TaskManager killed in mid-stream,
 * stopped with a savepoint and started again from it in the same TaskManager with another
 * parallelism. What a reader of committed records sees must be complete, unique and as the COMMIT
 * records say.
 */
class ClusterE2ECase {
  private static final int DIM = 384;
  private static final String ITEMS = "sidstream.items";
  private static final String INTERACTIONS = "sidstream.interactions";

  private final WireFormat wire = new WireFormat();
  private final Random random = new Random(7);
  private final Set<String> alive = new HashSet<>();
  private int sentItems;
  private int sentInteractions;
  private KafkaProducer<byte[], byte[]> producer;

  /** A row of the token topic: a token, or a removal. */
  private record Row(int commit, List<Integer> codes, Integer suffix) {}

  @TempDir Path folder;

  @Test
  void survivesAKillAndASavepointAtAnotherParallelism() throws Exception {
    Path jar = jobJar();
    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"));
        StandaloneCluster cluster = new StandaloneCluster(folder.resolve("flink"), 2);
        Table table = new Table(kafka.bootstrap())) {
      cluster.startJobManager();
      Process first = cluster.startTaskManager();
      producer =
          new KafkaProducer<>(
              Map.of("bootstrap.servers", kafka.bootstrap()),
              new ByteArraySerializer(),
              new ByteArraySerializer());
      try {
        await("a TaskManager").until(() -> cluster.freeSlots() == 2);
        String uploaded = cluster.upload(jar);
        String job = cluster.run(uploaded, arguments(kafka, 2), null);

        items(600);
        texts(5);
        interactions(600);
        await("the first table").until(() -> table.read().covers(alive));

        // Not before a checkpoint, or there is nothing to go on from; then in the middle of work.
        await("a checkpoint").until(() -> checkpoints(cluster, job) > 0);
        items(400);
        interactions(300);
        first.destroyForcibly().waitFor();
        cluster.startTaskManager();
        await("the table after the kill").until(() -> table.read().covers(alive));
        // Not at once, where the table was complete before the kill was noticed.
        await("the job runs on")
            .until(() -> cluster.get("/jobs/" + job).path("state").asText().equals("RUNNING"));

        items(200);
        texts(5);
        remove("item-3");
        remove("item-650");
        String savepoint =
            cluster.stopWithSavepoint(job, Files.createDirectories(folder.resolve("savepoints")));
        await("the job has stopped")
            .until(() -> cluster.get("/jobs/" + job).path("state").asText().equals("FINISHED"));

        String again = cluster.run(uploaded, arguments(kafka, 1), savepoint);
        items(200);
        texts(5);
        await("the table after the savepoint").until(() -> table.read().covers(alive));
        // New interactions bring versions; the COMMIT of the last one counts everything above. On a
        // fast machine all of the above was over before the second: three are what check() wants.
        int before = Math.max(table.lastCommit(), 2);
        await("a version over all of it")
            .pollInterval(Duration.ofSeconds(1))
            .until(
                () -> {
                  interactions(100);
                  table.read();
                  return table.lastCommit() > before
                      && table.commits.get(table.lastCommit()).getItems() == alive.size();
                });
        assertThat(cluster.get("/jobs/" + again).path("state").asText()).isEqualTo("RUNNING");
        // The rows of a COMMIT come in other transactions, perhaps a moment after it.
        await("rows and commits agree").untilAsserted(() -> table.read().check());
        assertThat(cluster.log("taskmanager"))
            .doesNotContain("already loaded in another classloader")
            .doesNotContain("UnsatisfiedLinkError");
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      } finally {
        producer.close();
      }
    }
  }

  private static ConditionFactory await(String what) {
    return Awaitility.await(what)
        .atMost(Duration.ofSeconds(120))
        .pollInterval(Duration.ofMillis(200));
  }

  private static int checkpoints(StandaloneCluster cluster, String job) throws Exception {
    JsonNode counts = cluster.get("/jobs/" + job + "/checkpoints").path("counts");
    return counts.path("completed").asInt();
  }

  static Path jobJar() {
    Path root = Path.of("").toAbsolutePath();
    while (root != null && !Files.isRegularFile(root.resolve("mvnw"))) {
      root = root.getParent();
    }
    assertThat(root).as("a folder above with mvnw").isNotNull();
    Path jar = root.resolve("flink-jobs/target/sidstream-job.jar");
    assertThat(jar).as("built by ./mvnw -pl flink-jobs -am package").isRegularFile();
    return jar;
  }

  private List<String> arguments(EmbeddedKafka kafka, int parallelism) {
    List<String> arguments = new ArrayList<>();
    for (String set :
        List.of(
            "kafka.bootstrap=" + kafka.bootstrap(),
            "parallelism=" + parallelism,
            "checkpoint.interval=500 ms",
            "checkpoint.dir=" + folder.resolve("checkpoints").toUri(),
            "topics.partitions=2",
            "embed.model=minilm-quantized",
            "quantizer.codebook-size=32",
            "quantizer.dim=16",
            "encoder.hidden=64,32",
            "recommender.layers=1",
            "learn.step-positions=256",
            "recommender.negatives=64",
            "quantizer.round-every=1",
            "quantizer.steps=5",
            "quantizer.learning-rate=0.01",
            "bootstrap.items=400",
            "bootstrap.interactions=400",
            "bootstrap.max-steps=20",
            "learn.round-interactions=200",
            "gate.enabled=false")) {
      arguments.add("--set");
      arguments.add(set);
    }
    return arguments;
  }

  private void items(int n) {
    for (int i = 0; i < n; i++) {
      float[] vector = new float[DIM];
      int theme = random.nextInt(40);
      for (int d = 0; d < DIM; d++) {
        vector[d] = (float) (Math.sin(theme * 31.0 + d * (theme + 1)) + .5 * random.nextGaussian());
      }
      send(ItemEvent.newBuilder().setVector(Vectors.toList(vector)));
    }
  }

  private void texts(int n) {
    for (int i = 0; i < n; i++) {
      send(ItemEvent.newBuilder().setText("a red lamp number " + sentItems));
    }
  }

  private void send(ItemEvent.Builder event) {
    String item = "item-" + sentItems++;
    alive.add(item);
    producer.send(
        new ProducerRecord<>(
            ITEMS, bytes(item), wire.encode(event.setItem(item).setTime(Instant.now()).build())));
  }

  private void remove(String item) {
    alive.remove(item);
    producer.send(new ProducerRecord<>(ITEMS, bytes(item), null));
  }

  private void interactions(int n) {
    for (int i = 0; i < n; i++) {
      String user = "user-" + random.nextInt(60);
      InteractionEvent event =
          InteractionEvent.newBuilder()
              .setEventId("event-" + sentInteractions++)
              .setUser(user)
              .setItem("item-" + random.nextInt(sentItems))
              .setTime(Instant.now())
              .build();
      producer.send(new ProducerRecord<>(INTERACTIONS, bytes(user), wire.encode(event)));
    }
    producer.flush();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Everything that a reader of committed records has seen of tokens and versions. */
  private static final class Table implements AutoCloseable {
    private final WireFormat wire = new WireFormat();
    private final KafkaConsumer<byte[], byte[]> reader;
    private final Map<String, List<Row>> rows = new HashMap<>();
    private final TreeMap<Integer, VersionRecord> commits = new TreeMap<>();
    private int commitRecords;

    Table(String bootstrap) {
      reader =
          new KafkaConsumer<>(
              Map.of(
                  "bootstrap.servers",
                  bootstrap,
                  "isolation.level",
                  "read_committed",
                  "auto.offset.reset",
                  "earliest"),
              new ByteArrayDeserializer(),
              new ByteArrayDeserializer());
    }

    Table read() {
      if (reader.assignment().isEmpty()) {
        List<TopicPartition> all = new ArrayList<>();
        for (String topic : List.of("sidstream.tokens", "sidstream.versions")) {
          reader
              .partitionsFor(topic)
              .forEach(p -> all.add(new TopicPartition(p.topic(), p.partition())));
        }
        reader.assign(all);
      }
      for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
        if (record.topic().equals("sidstream.versions")) {
          VersionRecord version = wire.decode(record.value(), VersionRecord.class);
          if (version.getState() == VersionState.COMMIT) {
            commits.put(version.getVersion(), version);
            commitRecords++;
          }
          continue;
        }
        String item = new String(record.key(), StandardCharsets.UTF_8);
        Row row;
        if (record.value() == null) {
          byte[] commit = record.headers().lastHeader(TokenHeaders.COMMIT).value();
          row = new Row(TokenHeaders.decode(commit), null, null);
        } else {
          ItemToken token = wire.decode(record.value(), ItemToken.class);
          row = new Row(token.getCommit(), token.getCodes(), token.getSuffix());
        }
        rows.computeIfAbsent(item, i -> new ArrayList<>()).add(row);
      }
      return this;
    }

    /** Whether exactly these items have a token. */
    boolean covers(Set<String> items) {
      Set<String> present = new HashSet<>();
      rows.forEach(
          (item, history) -> {
            if (history.get(history.size() - 1).codes != null) {
              present.add(item);
            }
          });
      return present.equals(items);
    }

    int lastCommit() {
      return commits.isEmpty() ? 0 : commits.lastKey();
    }

    /** Every committed table is as its COMMIT record says, and no token in it is there twice. */
    void check() {
      assertThat(commitRecords).as("one COMMIT of each version").isEqualTo(commits.size());
      assertThat(commits.keySet()).as("versions without gaps").first().isEqualTo(1);
      assertThat(commits.lastKey()).isEqualTo(commits.size());
      assertThat(commits.size()).as("token versions").isGreaterThan(2);
      commits.forEach(
          (version, commit) -> {
            long items = 0;
            long checksum = 0;
            long written = 0;
            Set<List<Integer>> tokens = new HashSet<>();
            for (Map.Entry<String, List<Row>> item : rows.entrySet()) {
              Row row = null;
              for (Row one : item.getValue()) {
                row = one.commit <= version ? one : row;
              }
              if (row == null || row.codes == null) {
                continue;
              }
              items++;
              written += row.commit == version ? 1 : 0;
              checksum += TokenChecksum.of(item.getKey(), row.codes, row.suffix);
              List<Integer> token = new ArrayList<>(row.codes);
              token.add(row.suffix == null ? 0 : row.suffix);
              assertThat(tokens.add(token))
                  .as("token %s of %s is unique in version %d", token, item.getKey(), version)
                  .isTrue();
            }
            assertThat(items).as("items of version " + version).isEqualTo(commit.getItems());
            assertThat(written).as("rows of version " + version).isEqualTo(commit.getRows());
            assertThat(checksum)
                .as("checksum of version " + version)
                .isEqualTo(commit.getTableChecksum());
          });
    }

    @Override
    public void close() {
      reader.close();
    }
  }
}
