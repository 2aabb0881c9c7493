package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.WireFormat;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A job that is killed ({@code kill -9}) in the middle of five rounds, and that goes on with
 * another parallelism each time, publishes the models of one that nobody disturbed, bit for bit.
 */
class SameBitsE2ECase {
  private static final int ROUNDS = 6;
  private static final int ITEMS = 200;
  private static final int USERS = 40;

  /** Three events of each user. */
  private static final int BATCH = 3 * USERS;

  private static final int UI = 18_490;
  private static final Duration LONG = Duration.ofSeconds(120);

  /** A round takes seconds, nearly all of it pauses, so that a kill can come in its middle. */
  private static final String[] SETS = {
    "learn.shards=2",
    "learn.round-interactions=" + BATCH,
    "learn.round-interval=1 h",
    "learn.round-steps=16",
    "learn.duty-cycle=0.05",
    "quantizer.steps=16",
  };

  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();

  @TempDir Path folder;

  @Test
  void killsInTheMiddleOfRoundsChangeNoBit() throws Exception {
    List<String> calm = run("calm", false);
    List<String> killed = run("killed", true);
    assertThat(calm.stream().filter(part -> part.contains("RECOMMENDER")).count())
        .as("revisions")
        .isGreaterThan(ROUNDS);
    assertThat(killed).isEqualTo(calm);
  }

  /** What the job has published of its models, in order. */
  private List<String> run(String name, boolean kill) throws Exception {
    List<String> settings = TinyJob.settings(Broker.bootstrap(), name, SETS);
    JobConfig config = JobConfig.load(null, settings);
    Topics.create(config);
    int lives = 0;
    Command job = null;
    try (Inputs in = new Inputs(config);
        TokenLog log = TinyJob.log(config, true)) {
      in.items(0, ITEMS);
      batch(in, 0);
      job = start(name, lives++, settings);
      for (int round = 1; round <= ROUNDS; round++) {
        awaitLearnt(log, job, (long) round * BATCH);
        batch(in, round);
        if (kill && round < ROUNDS) {
          awaitMiddleOfARound(job);
          job.kill();
          job = start(name, lives++, settings);
        }
      }
      awaitLearnt(log, job, (ROUNDS + 1L) * BATCH);
      log.await("the last version", LONG, () -> log.begun() == log.committed());
      return models(config);
    } finally {
      if (job != null) {
        job.close();
      }
    }
  }

  /** So many interactions, of either shard's users as many as it begins a round with. */
  private static void batch(Inputs in, int number) {
    List<String> users = new ArrayList<>();
    int[] of = new int[2];
    for (int u = 0; users.size() < USERS; u++) {
      if (of[LearnPlan.shard("u" + u, 2)]++ < USERS / 2) {
        users.add("u" + u);
      }
    }
    for (int k = number * BATCH; k < (number + 1) * BATCH; k++) {
      in.interact(
          "e" + k, users.get(k % USERS), Inputs.name(k * 7 % ITEMS), Inputs.DAY.plusSeconds(k));
    }
    in.flush();
  }

  private Command start(String name, int life, List<String> settings) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("job", "--ui-port", String.valueOf(UI)));
    arguments.addAll(List.of("--state", folder.resolve(name).toString()));
    settings.forEach(set -> arguments.addAll(List.of("--set", set)));
    arguments.addAll(List.of("--set", "parallelism=" + (1 + life % 2)));
    return Command.start(folder.resolve(name + life + ".txt"), arguments);
  }

  private static void awaitLearnt(TokenLog log, Command job, long interactions) {
    log.await(
        interactions + " interactions learnt",
        LONG,
        () -> {
          assertThat(job.running()).as(job.output()).isTrue();
          return log.interactions() == interactions;
        });
  }

  private void awaitMiddleOfARound(Command job) throws Exception {
    long end = System.nanoTime() + LONG.toNanos();
    String left = "Learn." + JobMetric.STEPS_LEFT.metric();
    while (System.nanoTime() < end) {
      assertThat(job.running()).as(job.output()).isTrue();
      for (JsonNode of : get("/jobs").path("jobs")) {
        String path = "/jobs/" + of.path("id").asText();
        for (JsonNode vertex : get(path).path("vertices")) {
          if (!vertex.path("name").asText().startsWith("Learn")) {
            continue;
          }
          String metrics = path + "/vertices/" + vertex.path("id").asText() + "/subtasks/metrics";
          double steps = get(metrics + "?agg=sum&get=" + left).at("/0/sum").asDouble();
          if (steps > 0) {
            return;
          }
        }
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    throw new AssertionError("no round under way: " + job.output());
  }

  private JsonNode get(String path) throws InterruptedException {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://localhost:" + UI + path))
              .timeout(Duration.ofSeconds(5))
              .build();
      return json.readTree(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    } catch (IOException e) {
      // The job is not that far, or busy.
      return json.createObjectNode();
    }
  }

  /** Key and numbers of the committed records of the models topic; what is said again once. */
  private static List<String> models(JobConfig config) {
    List<String> all = new ArrayList<>();
    WireFormat wire = new WireFormat();
    for (ConsumerRecord<byte[], byte[]> record :
        CommittedRecords.of(config, Topics.models(config))) {
      all.add(text(record, wire));
    }
    // A merge that goes on says its newest round again.
    return List.copyOf(new LinkedHashSet<>(all));
  }

  private static String text(ConsumerRecord<byte[], byte[]> record, WireFormat wire) {
    String key = new String(record.key(), StandardCharsets.UTF_8);
    if (record.value() == null) {
      return key + " removed";
    }
    ModelPart part = wire.decode(record.value(), ModelPart.class);
    byte[] data = new byte[part.getData().remaining()];
    part.getData().duplicate().get(data);
    return "%s revision %d: %s"
        .formatted(key, part.getRevision(), HexFormat.of().formatHex(digest(data)));
  }

  private static byte[] digest(byte[] data) {
    try {
      return java.security.MessageDigest.getInstance("SHA-256").digest(data);
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
