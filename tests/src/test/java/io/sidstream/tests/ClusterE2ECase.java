package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.job.config.JobConfig;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
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
  private static final int LEVELS = 3;
  private static final int CODEBOOK_SIZE = 32;
  private static final String ITEMS = "sidstream.items";
  private static final String INTERACTIONS = "sidstream.interactions";

  private final WireFormat wire = new WireFormat();
  private final Random random = new Random(7);
  private final Set<String> alive = new HashSet<>();
  private int sentItems;
  private int sentInteractions;
  private KafkaProducer<byte[], byte[]> producer;

  @TempDir Path folder;

  @Test
  void survivesAKillAndASavepointAtAnotherParallelism() throws Exception {
    Path jar = JobJar.path();
    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"));
        StandaloneCluster cluster = new StandaloneCluster(folder.resolve("flink"), 2, Map.of());
        TokenLog table = table(kafka)) {
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
        String job = cluster.run(uploaded, arguments(kafka, 2));

        items(600);
        texts(5);
        interactions(600);
        await("the first table").untilAsserted(() -> covers(table));

        // Not before a checkpoint, or there is nothing to go on from; then in the middle of work.
        await("a checkpoint").until(() -> checkpoints(cluster, job) > 0);
        items(400);
        interactions(300);
        first.destroyForcibly().waitFor();
        cluster.startTaskManager();
        await("the table after the kill").untilAsserted(() -> covers(table));
        // Not at once, where the table was complete before the kill was noticed.
        await("the job runs on")
            .until(() -> cluster.get("/jobs/" + job).path("state").asText().equals("RUNNING"));

        items(200);
        texts(5);
        remove("item-3");
        remove("item-650");
        String again = upgrade(cluster, jar, kafka, 1);
        assertThat(again).isNotEqualTo(job);
        assertThat(cluster.get("/jobs/" + job).path("state").asText()).isEqualTo("FINISHED");
        items(200);
        texts(5);
        await("the table after the savepoint").untilAsserted(() -> covers(table));
        // New interactions bring versions; the COMMIT of the last one counts everything above. On a
        // fast machine all of the above was over before the second: three are wanted.
        int before = Math.max(table.committed(), 2);
        await("a version over all of it")
            .pollInterval(Duration.ofSeconds(1))
            .until(
                () -> {
                  interactions(100);
                  table.poll();
                  return table.committed() > before && commit(table).getItems() == alive.size();
                });
        assertThat(cluster.get("/jobs/" + again).path("state").asText()).isEqualTo("RUNNING");
        // The rows of a COMMIT come in other transactions, perhaps a moment after it.
        table.awaitVerified();
        assertThat(table.committed()).as("token versions").isGreaterThan(2);
        assertThat(cluster.log("taskmanager"))
            .doesNotContain("already loaded in another classloader")
            .doesNotContain("UnsatisfiedLinkError");
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        // The newest failures of the jobs, in the message: it is what a report keeps.
        throw new AssertionError(e.getMessage() + "\n" + cluster.failures(), e);
      } finally {
        producer.close();
      }
    }
  }

  /** By the documented command: stops the job with a savepoint, goes on from it; the new job. */
  private String upgrade(StandaloneCluster cluster, Path jar, EmbeddedKafka kafka, int parallelism)
      throws Exception {
    String savepoints = Files.createDirectories(folder.resolve("savepoints")).toUri().toString();
    List<String> submit =
        new ArrayList<>(List.of("submit", "--cluster", cluster.address().toString()));
    submit.addAll(List.of("--jar", jar.toString(), "--savepoints", savepoints));
    submit.addAll(arguments(kafka, parallelism));
    try (Command command = Command.start(folder.resolve("submit.txt"), submit)) {
      assertThat(command.await(240)).as(command.output()).isZero();
      Matcher runs = Pattern.compile("every task of job (\\w+) runs").matcher(command.output());
      assertThat(runs.find()).as(command.output()).isTrue();
      return runs.group(1);
    }
  }

  private static TokenLog table(EmbeddedKafka kafka) {
    return new TokenLog(
        JobConfig.load(null, List.of("kafka.bootstrap=" + kafka.bootstrap())),
        LEVELS,
        CODEBOOK_SIZE,
        true);
  }

  /** Exactly the items that are alive have a token. */
  private void covers(TokenLog table) {
    table.poll();
    Set<String> without = new TreeSet<>(alive);
    without.removeAll(table.items());
    Set<String> beyond = new TreeSet<>(table.items());
    beyond.removeAll(alive);
    assertThat(without.size() + beyond.size())
        .as(
            "items without a token, and with one that should have none (version %d): %d such as %s, %d such as %s",
            table.committed(),
            without.size(),
            without.stream().limit(8).toList(),
            beyond.size(),
            beyond.stream().limit(8).toList())
        .isZero();
  }

  private static VersionRecord commit(TokenLog table) {
    List<VersionRecord> commits = table.versions(VersionState.COMMIT);
    return commits.get(commits.size() - 1);
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
            "quantizer.levels=" + LEVELS,
            "quantizer.codebook-size=" + CODEBOOK_SIZE,
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
}
