package io.sidstream.tests.savepoints;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.Version;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.tests.Inputs;
import io.sidstream.tests.TinyJob;
import io.sidstream.tests.TokenLog;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A job goes on from what every release has left behind: a savepoint and its topics, kept in the
 * test resources (see {@link SavedJob}), at any parallelism.
 *
 * <p>{@link #writesOne} made them. At a release, run it once: {@code ./mvnw -pl tests -am verify
 * -Dtest=NoneTest -Dit.test=SavepointsITCase#writesOne -Dsurefire.failIfNoSpecifiedTests=false
 * -Dfailsafe.failIfNoSpecifiedTests=false "-Dtest.jvm.args=-Xmx2g
 * -Dsidstream.savepoints.write=true"}. It writes the folder of the build's own version.
 */
class SavepointsITCase {
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final int ITEMS = 50;
  private static final int INTERACTIONS = 400;
  private static final int WAITING = 5;
  private static final String LATE = "late";

  @TempDir Path folder;

  static Stream<Arguments> savedJobs() throws IOException {
    List<Path> all = SavedJob.all();
    assertThat(all).isNotEmpty();
    return all.stream()
        .flatMap(saved -> Stream.of(1, 2, 4).map(p -> Arguments.of(saved.getFileName(), p)));
  }

  @ParameterizedTest(name = "{0} at parallelism {1}")
  @MethodSource("savedJobs")
  void aSavedJobGoesOn(Path release, int parallelism) throws Exception {
    // Where a job finds the newest checkpoint of its last run.
    Path state = folder.resolve("state");
    SavedJob saved =
        SavedJob.read(SavedJob.ALL.resolve(release), state.resolve("saved").resolve("chk-1"));
    SavedJob.Manifest manifest = saved.manifest();
    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"))) {
      JobConfig config =
          config(
              kafka.bootstrap(),
              manifest,
              "parallelism=" + parallelism,
              // To the job these topics are not those that it has written to.
              "topics.accept-new=true");
      createTopics(config);
      saved.topics().write(kafka.bootstrap());
      try (Inputs in = new Inputs(config);
          TokenLog out = TinyJob.log(config, true);
          JobRun run = start(release, config, state)) {
        out.poll();
        assertThat(tokens(out))
            .as("tokens on the topics of %s", release)
            .isEqualTo(manifest.tokens());
        out.await(
            "all that the state holds is written again",
            LONG,
            () -> running(release, run) && commits(out, manifest.version()) >= 2);
        out.awaitVerified();
        assertThat(tokens(out))
            .as("tokens of the state of %s", release)
            .isEqualTo(manifest.tokens());

        long[] sent = {manifest.interactions()};
        in.put(manifest.waitingFor(), Inputs.vector(manifest.waitingFor()));
        in.flush();
        sent[0] += manifest.waiting();
        int next = INTERACTIONS;
        int last = next + 200;
        in.interactions(next, last, ITEMS);
        in.flush();
        sent[0] += last - next;
        out.await(
            "learning goes on, to the next version",
            LONG,
            () ->
                running(release, run)
                    && out.interactions() >= sent[0]
                    && out.committed() > manifest.version()
                    && out.begun() == out.committed()
                    && out.token(manifest.waitingFor()) != null);
        // Every count goes on where it stood: nothing is learnt twice or lost.
        assertThat(out.interactions()).isEqualTo(sent[0]);
        VersionRecord first =
            out.versions(VersionState.REVISION).stream()
                .filter(v -> v.getRevision() > manifest.revision())
                .findFirst()
                .orElseThrow();
        assertThat(first.getRevision()).isEqualTo(manifest.revision() + 1);
        assertThat(first.getInteractions()).isGreaterThan(manifest.interactions());
        // Versions and revisions without a gap, and every table as its COMMIT says.
        out.awaitVerified();
        assertThat(out.items()).hasSize(manifest.items() + 1);
        assertThat(out.deadLetters()).isEmpty();
      }
    }
  }

  private static boolean running(Path release, JobRun run) throws Exception {
    var failure = run.failure().or(() -> restartedAfter(run));
    if (failure.isPresent()) {
      throw new AssertionError(broken(release), failure.get());
    }
    return true;
  }

  private static java.util.Optional<Throwable> restartedAfter(JobRun run) {
    try {
      return run.restartedAfter();
    } catch (Exception e) {
      return java.util.Optional.of(e);
    }
  }

  private static JobRun start(Path release, JobConfig config, Path state) {
    try {
      JobRun run = JobRun.start(config, state, 18_581, SidstreamJob::build);
      assertThat(run.restoredFrom()).isPresent();
      return run;
    } catch (Exception e) {
      throw new AssertionError(broken(release), e);
    }
  }

  private static String broken(Path release) {
    return """
    the job does not go on from what release %s left behind (%s). Whoever runs that release could not upgrade. \
    Keep the state readable: give new fields of POJOs a meaning for their default, keep uids and names of states, read \
    older formats. Where it cannot be, or where %1$s is not released yet: say so in CHANGELOG.md, delete the folder, \
    and write it anew with SavepointsITCase.writesOne (its Javadoc has the command)"""
        .formatted(release, SavedJob.ALL.resolve(release));
  }

  // ---- to write one

  @Test
  @EnabledIfSystemProperty(named = "sidstream.savepoints.write", matches = "true")
  void writesOne() throws Exception {
    String name = "saved";
    List<String> settings = new ArrayList<>(TinyJob.settings("", name));
    settings.removeIf(s -> s.startsWith("kafka.") || s.startsWith("topics.prefix"));
    settings.addAll(
        List.of(
            "learn.shards=2",
            // What is kept in a repository is to be small.
            "encoder.hidden=16",
            "quantizer.dim=8",
            "id.dim=4",
            "recommender.layers=1",
            "recommender.heads=1",
            "recommender.max-length=10"));
    settings.add("learn.unknown-retention=36500 d");
    settings.add("sequence.retention=36500 d");
    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"))) {
      SavedJob.Manifest asked =
          new SavedJob.Manifest("", name, settings, ITEMS, 0, 0, 0, WAITING, LATE, Map.of());
      JobConfig config = config(kafka.bootstrap(), asked);
      Topics.create(config);
      Path savepoint;
      SavedJob.Manifest manifest;
      try (Inputs in = new Inputs(config);
          TokenLog out = TinyJob.log(config, true);
          JobRun run = JobRun.start(config, folder.resolve("state"), 18_581, SidstreamJob::build)) {
        in.items(0, ITEMS + 1);
        out.await("a version", LONG, () -> out.committed() >= 1);
        in.delete(Inputs.name(ITEMS));
        for (int i = 0; i < WAITING; i++) {
          in.interact("w" + i, "u" + i, LATE, Inputs.DAY.plusSeconds(i));
        }
        in.interactions(0, INTERACTIONS, ITEMS);
        in.flush();
        out.await(
            "all is learnt",
            LONG,
            () ->
                out.interactions() == INTERACTIONS
                    && out.revision().getWaitingInteractions() == WAITING
                    && out.items().size() == ITEMS
                    && out.begun() == out.committed());
        savepoint = stopWithSavepoint(run, folder.resolve("savepoints"));
        out.awaitVerified();
        assertThat(out.interactions()).isEqualTo(INTERACTIONS);
        manifest =
            new SavedJob.Manifest(
                builtAs(),
                name,
                settings,
                ITEMS,
                out.committed(),
                out.revision().getRevision(),
                out.interactions(),
                WAITING,
                LATE,
                tokens(out));
      }
      List<String> topics = Topics.all(config).stream().map(NewTopic::name).toList();
      Set<String> large = Set.of(Topics.models(config), Topics.idEmbeddings(config));
      String release = manifest.writtenBy().replaceAll("[^0-9.].*", "");
      new SavedJob(manifest, SavedTopics.read(kafka.bootstrap(), topics, large))
          .write(SavedJob.ALL.resolve(release), savepoint);
    }
  }

  /** Version and commit of this build. */
  private static String builtAs() throws IOException {
    Properties built = new Properties();
    try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
      built.load(in);
    }
    return "%s (commit %s)".formatted(built.get("version"), built.get("commit"));
  }

  /** In Flink's own format, which no state backend is tied to. */
  private static Path stopWithSavepoint(JobRun run, Path target) throws Exception {
    URI job = URI.create(run.ui() + "/jobs/" + run.id());
    String body =
        "{\"drain\": false, \"formatType\": \"CANONICAL\", \"targetDirectory\": \"%s\"}"
            .formatted(target.toUri());
    String trigger =
        rest(HttpRequest.newBuilder(URI.create(job + "/stop"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)))
            .path("request-id")
            .asText();
    JsonNode[] answer = new JsonNode[1];
    Awaitility.await("a savepoint")
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> {
              answer[0] = rest(HttpRequest.newBuilder(URI.create(job + "/savepoints/" + trigger)));
              return answer[0].path("status").path("id").asText().equals("COMPLETED");
            });
    assertThat(answer[0].path("operation").path("location").asText())
        .as(answer[0].toString())
        .isNotEmpty();
    return Path.of(URI.create(answer[0].path("operation").path("location").asText()));
  }

  private static JsonNode rest(HttpRequest.Builder request) throws Exception {
    HttpResponse<String> answer =
        HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
    return new ObjectMapper().readTree(answer.body());
  }

  // ---- both

  private static JobConfig config(String bootstrap, SavedJob.Manifest manifest, String... more) {
    List<String> sets = new ArrayList<>(manifest.settings());
    sets.add("kafka.bootstrap=" + bootstrap);
    sets.add("kafka.group=" + manifest.name());
    sets.add("topics.prefix=" + manifest.name() + ".");
    sets.addAll(List.of(more));
    return JobConfig.load(null, sets);
  }

  /** The topics, of which no record is deleted because it is old. */
  private static void createTopics(JobConfig config) throws Exception {
    Topics.create(config);
    AlterConfigOp keep =
        new AlterConfigOp(
            new ConfigEntry(TopicConfig.RETENTION_MS_CONFIG, "-1"), AlterConfigOp.OpType.SET);
    Map<ConfigResource, java.util.Collection<AlterConfigOp>> all = new java.util.HashMap<>();
    for (NewTopic topic : Topics.all(config)) {
      all.put(new ConfigResource(ConfigResource.Type.TOPIC, topic.name()), List.of(keep));
    }
    try (Admin admin =
        Admin.create(
            Map.of(
                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                config.get(JobOptions.KAFKA_BOOTSTRAP)))) {
      admin.incrementalAlterConfigs(all).all().get();
    }
  }

  private static long commits(TokenLog out, int version) {
    return out.versions(VersionState.COMMIT).stream()
        .filter(v -> v.getVersion() == version)
        .count();
  }

  private static Map<String, String> tokens(TokenLog out) {
    Map<String, String> tokens = new TreeMap<>();
    for (String item : out.items()) {
      ItemToken token = out.token(item);
      tokens.put(
          item, token.getCodes() + (token.getSuffix() == null ? "" : "+" + token.getSuffix()));
    }
    return tokens;
  }
}
