package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.sidstream.cli.main.Main;
import io.sidstream.client.TokenTable;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.metrics.JobMetric;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The secured example of docs/security.md: SASL_SSL, SCRAM, ACLs. The job and the commands run with
 * the rights that the page lists and no other; each that is missing is named; no secret is written
 * anywhere.
 */
class SecuredITCase {
  private static final String PASSWORD = "job-pw-8d1f0c";
  private static final String READER_PASSWORD = "reader-pw-55ab1e";
  private static final String S3 = "AKIA7QWERTY91";

  /** For what takes seconds, on a machine that does much else. */
  private static final Duration LONG = Duration.ofMinutes(5);

  private static final Pattern METRIC = Pattern.compile("\\bflink_[A-Za-z_]+");

  @TempDir static Path folder;

  private static SecuredBroker broker;

  @BeforeAll
  static void start() throws Exception {
    broker = SecuredBroker.start(folder.resolve("broker"));
  }

  @AfterAll
  static void stop() {
    broker.close();
  }

  /** The job's rights, as docs/security.md lists them. */
  private static List<AclBinding> ofJob(String user, String name) {
    List<AclBinding> rights = new ArrayList<>();
    for (String topic :
        List.of(
            "items",
            "interactions",
            "versions",
            "control",
            "tokens",
            "models",
            "id-embeddings",
            "dead-letters")) {
      rights.add(topic(user, AclOperation.READ, name, topic));
    }
    for (String topic :
        List.of("tokens", "versions", "models", "id-embeddings", "dead-letters", "control")) {
      rights.add(topic(user, AclOperation.WRITE, name, topic));
    }
    rights.add(
        SecuredBroker.right(
            user, AclOperation.READ, ResourceType.GROUP, PatternType.LITERAL, name));
    rights.add(
        SecuredBroker.right(
            user,
            AclOperation.WRITE,
            ResourceType.TRANSACTIONAL_ID,
            PatternType.PREFIXED,
            name + "-"));
    return rights;
  }

  private static AclBinding topic(String user, AclOperation operation, String name, String topic) {
    return SecuredBroker.right(
        user, operation, ResourceType.TOPIC, PatternType.LITERAL, name + "." + topic);
  }

  private static JobConfig config(String user, String password, String name) throws Exception {
    List<String> sets = new ArrayList<>();
    broker
        .client(user, password)
        .forEach((key, value) -> sets.add("kafka.properties." + key + "=" + value));
    return TinyJob.config(broker.secured(), name, sets.toArray(String[]::new));
  }

  @Test
  void eachMissingRightIsNamed() throws Exception {
    String user = "nearly";
    String name = "nearly";
    broker.user(user, PASSWORD);
    Topics.create(TinyJob.config(broker.plain(), name));
    List<AclBinding> rights = ofJob(user, name);
    broker.allow(rights);
    JobConfig config = config(user, PASSWORD, name);
    // The broker takes a moment to know users and rights.
    await()
        .atMost(Duration.ofSeconds(120))
        .untilAsserted(() -> assertThat(Topics.create(config)).isEmpty());
    for (AclBinding right : rights) {
      broker.withdraw(right);
      String resource = right.pattern().name();
      await()
          .atMost(Duration.ofSeconds(120))
          .untilAsserted(
              () ->
                  assertThatThrownBy(() -> Topics.create(config))
                      .isInstanceOf(ConfigException.class)
                      .hasMessageContaining(right.entry().operation() + " on ")
                      .hasMessageContaining(resource + ": kafka-acls.sh"));
      // It alone.
      assertThat(catchThrowable(() -> Topics.create(config)).getMessage().lines()).hasSize(2);
      broker.allow(List.of(right));
      await()
          .atMost(Duration.ofSeconds(120))
          .untilAsserted(() -> assertThat(Topics.create(config)).isEmpty());
    }
  }

  /** What `tokens verify` needs; of it each right in turn is missing. */
  @Test
  void eachRightThatAReaderLacksIsNamed() throws Exception {
    String name = "partly";
    List<String> topics = List.of("tokens", "versions", "models", "items", "dead-letters");
    Topics.create(TinyJob.config(broker.plain(), name));
    reads("partly", name, topics.toArray(String[]::new));
    Path login =
        Files.writeString(
            Files.createDirectories(folder.resolve("partly")).resolve("login.properties"),
            login("partly", READER_PASSWORD));
    for (String topic : topics) {
      AclBinding right = topic("partly", AclOperation.READ, name, topic);
      broker.withdraw(right);
      // The broker takes a moment to know it.
      await("READ on " + topic)
          .atMost(Duration.ofSeconds(120))
          .untilAsserted(
              () ->
                  assertThat(verify(login, name))
                      .contains("lacks a right on topic " + name + "." + topic + ": READ")
                      .doesNotContain(READER_PASSWORD));
      broker.allow(List.of(right));
      await("all rights again")
          .atMost(Duration.ofSeconds(120))
          .untilAsserted(
              () -> assertThat(verify(login, name)).doesNotContain("lacks a right on topic"));
    }
  }

  /** What `tokens verify` says, in this process. */
  private static String verify(Path login, String name) {
    StringWriter said = new StringWriter();
    PrintWriter to = new PrintWriter(said, true);
    Main.commandLine(SidstreamJob::build)
        .setOut(to)
        .setErr(to)
        .execute(
            "tokens",
            "verify",
            "--bootstrap",
            broker.secured(),
            "--prefix",
            name + ".",
            "--kafka-file",
            login.toString(),
            "--wait",
            "0");
    return said.toString();
  }

  @Test
  void topicsThatCannotBeMadeAreNamed() throws Exception {
    broker.user("new", PASSWORD);
    JobConfig config = config("new", PASSWORD, "new");
    await()
        .atMost(Duration.ofSeconds(120))
        .untilAsserted(
            () ->
                assertThatThrownBy(() -> Topics.create(config))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("topic new.items")
                    .hasMessageContaining("topic new.tokens"));
    broker.allow(
        List.of(
            SecuredBroker.right(
                "new", AclOperation.CREATE, ResourceType.TOPIC, PatternType.PREFIXED, "new.")));
    broker.allow(ofJob("new", "new"));
    await()
        .atMost(Duration.ofSeconds(120))
        .ignoreExceptions()
        .until(() -> Topics.create(config), made -> made.isEmpty());
    assertThat(broker.admin().listTopics().names().get()).contains("new.items", "new.versions");
  }

  @Test
  void aWrongPasswordIsToldWithoutIt() throws Exception {
    broker.user("typo", PASSWORD);
    JobConfig config = config("typo", PASSWORD + "x", "typo");
    assertThatThrownBy(() -> Topics.create(config))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Authentication failed")
        .satisfies(e -> assertClean("message", String.valueOf(e.getMessage()), PASSWORD));
  }

  @Test
  void theJobAndItsReadersRunWithTheLeastRightsAndSayNoSecret() throws Exception {
    String name = "secured";
    JobConfig plain = TinyJob.config(broker.plain(), name);
    Topics.create(plain);
    broker.user("job", PASSWORD);
    broker.allow(ofJob("job", name));
    // The rows of docs/security.md.
    reads("table", name, "tokens", "versions", "models", "id-embeddings");
    reads("rows", name, "tokens", "versions");
    reads("reader", name, "tokens", "versions", "models", "items", "dead-letters");
    broker.user("gate", READER_PASSWORD);
    broker.allow(List.of(topic("gate", AclOperation.WRITE, name, "control")));

    // The secrets are where a deployment has them: environment, a file, a line of the file itself.
    Path secrets = Files.createDirectories(folder.resolve("given"));
    Path conf = secrets.resolve("job.yaml");
    int metrics = free();
    Files.writeString(
        conf,
        """
        kafka.properties:
          security.protocol: SASL_SSL
          sasl.mechanism: SCRAM-SHA-512
          sasl.jaas.config: '%s'
          ssl.truststore.type: PEM
          ssl.truststore.certificates: |
        %s
          ssl.keystore.type: PEM
          ssl.keystore.key: |
        %s
          ssl.keystore.certificate.chain: |
        %s
        flink.s3.access-key: %s
        flink.s3.secret-key: '${file:%s:s3}'
        flink.metrics.reporters: prom
        flink.metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory
        flink.metrics.reporter.prom.port: %d
        """
            .formatted(
                SecuredBroker.jaas("job", "${env:SIDSTREAM_KAFKA_PASSWORD}"),
                broker.certificate().indent(4),
                broker.privateKey().indent(4),
                broker.certificate().indent(4),
                S3,
                Files.writeString(secrets.resolve("s3.properties"), "s3=secret-" + S3),
                metrics));
    Path kept = Files.createDirectories(folder.resolve("kept"));
    Path temporary = Files.createDirectories(kept.resolve("tmp"));
    List<String> arguments = new ArrayList<>(List.of("job", "--conf", conf.toString()));
    arguments.addAll(List.of("--state", kept.resolve("state").toString()));
    arguments.addAll(List.of("--ui-port", String.valueOf(free())));
    TinyJob.settings(broker.secured(), name)
        .forEach(set -> arguments.addAll(List.of("--set", set)));
    String key = broker.privateKey().lines().skip(3).findFirst().orElseThrow();
    String[] all = {PASSWORD, READER_PASSWORD, S3, key};

    Path output = kept.resolve("out");
    try (Command job =
            Command.start(
                output,
                arguments,
                List.of("-Djava.io.tmpdir=" + temporary),
                Map.of("SIDSTREAM_KAFKA_PASSWORD", PASSWORD));
        Inputs in = new Inputs(plain);
        TokenLog log = TinyJob.log(plain, true)) {
      in.items(0, 60);
      in.interactions(0, 400, 60);
      in.flush();
      await("a version, and a token of every item")
          .atMost(LONG)
          .pollInterval(Duration.ofMillis(500))
          .until(
              () -> {
                assertThat(job.running()).as(job.output()).isTrue();
                log.poll();
                return log.committed() >= 1 && log.items().size() == 60;
              });

      String ui = address(job.output());
      for (String page :
          List.of("/jobmanager/config", "/jobmanager/environment", "/jobs/overview", "/config")) {
        assertClean(page, get(ui + page), all);
      }
      String id = match(get(ui + "/jobs"), "\"id\":\"([0-9a-f]+)\"");
      for (String page :
          List.of("", "/config", "/plan", "/checkpoints/config", "/jobmanager/config")) {
        assertClean("/jobs/ID" + page, get(ui + "/jobs/" + id + page), all);
      }
      String endpoint = get("http://localhost:" + metrics + "/metrics");
      assertClean("metrics", endpoint, all);
      assertMetrics(endpoint);
      List<String> rows = where(secrets, name, "rows");
      says("\"item\":\"i0000\"", kept, "get", rows, Inputs.name(0));
      says("COMMIT", kept, "versions", rows);
      says("\"version\"", kept, "tail", rows, "--from-beginning", "-n", "1");
      Path export = kept.resolve("tokens.jsonl");
      await("tokens export")
          .atMost(LONG)
          .pollInSameThread()
          .untilAsserted(
              () -> {
                tokens(kept, "export", rows, "--out", export.toString());
                assertThat(Files.readAllLines(export)).isNotEmpty();
              });
      try (TokenTable table =
          TokenTable.builder(broker.secured())
              .prefix(name + ".")
              .properties(broker.client("table", READER_PASSWORD))
              .open()) {
        table.await(1, LONG);
        await("a token").atMost(LONG).until(() -> table.get(Inputs.name(0)) != null);
      }
      List<String> reader = where(secrets, name, "reader");
      says("(?m)^verified$", kept, "verify", reader, "--wait", "120");
      says("items with a token are not on topic", kept, "orphans", reader);
      says("0 dead letters", kept, "dead-letters", reader);
      // The gate is not a reader's.
      says(Pattern.quote(name + ".control") + ".*WRITE", kept, "hold", reader);
      says("sent HOLD", kept, "hold", where(secrets, name, "gate"));
      if (PrometheusServer.installed()) {
        assertPrometheus(metrics, in);
      }
    }

    assertThat(Files.readString(output))
        .contains("${env:SIDSTREAM_KAFKA_PASSWORD}")
        .contains("ssl.keystore.key: '******'")
        .contains("s3.access-key: '******'");
    try (Stream<Path> files = Files.walk(kept)) {
      List<Path> written = files.filter(Files::isRegularFile).toList();
      assertThat(written).anyMatch(f -> f.endsWith("sidstream.log"));
      assertThat(written).anyMatch(f -> f.endsWith("_metadata"));
      for (Path file : written) {
        assertClean(file.toString(), Files.readString(file, StandardCharsets.ISO_8859_1), all);
      }
    }
  }

  /** Every metric that the job says it has, and that a rule or a dashboard reads, is there. */
  private static void assertMetrics(String endpoint) throws IOException {
    Set<String> there = new TreeSet<>();
    Matcher lines = Pattern.compile("^(flink_\\w+)", Pattern.MULTILINE).matcher(endpoint);
    while (lines.find()) {
      there.add(lines.group(1));
    }
    for (JobMetric metric : JobMetric.values()) {
      assertThat(there).contains(metric.prometheus());
      for (String operator : metric.operators()) {
        assertThat(endpoint)
            .containsPattern(
                metric.prometheus()
                    + "\\{.*operator_name=\""
                    + operator.replaceAll("\\W", "_")
                    + "\"");
      }
    }
    Path docker = Path.of("..", "docker");
    try (Stream<Path> files = Files.walk(docker)) {
      for (Path file :
          files
              .filter(f -> f.toString().matches(".*(dashboards/.*\\.json|rules\\.yml)"))
              .toList()) {
        Matcher named = METRIC.matcher(Files.readString(file));
        int count = 0;
        for (; named.find(); count++) {
          assertThat(there).as(file.toString()).contains(named.group());
        }
        assertThat(count).as(file.toString()).isPositive();
      }
    }
  }

  /** A real Prometheus has the job's metrics and judges every rule; what was done fires its own. */
  private static void assertPrometheus(int metrics, Inputs in) throws Exception {
    try (PrometheusServer prometheus =
        PrometheusServer.start(folder.resolve("prometheus"), free(), metrics)) {
      String rejected = "sum(" + JobMetric.REJECTED.prometheus() + ")";
      await("the first scrape")
          .atMost(LONG)
          .until(() -> prometheus.query(rejected).contains(",\"0\"]"));
      for (int i = 0; i < 40; i++) {
        in.send(in.items, Inputs.bytes("bad" + i), Inputs.bytes("rubbish"));
      }
      in.flush();
      for (String alert : List.of("SidstreamDeadLetters", "SidstreamOnHold")) {
        await(alert).atMost(LONG).until(() -> prometheus.fires(alert));
      }
      Optional<String> browser = Browser.program();
      if (browser.isPresent() && prometheus.hasPages()) {
        Path profile = Files.createDirectory(folder.resolve("browser"));
        try (Browser page = Browser.start(browser.get(), profile)) {
          prometheus.picture(
              page,
              "/classic/graph?g0.tab=0&g0.range_input=2m&g0.expr=" + rejected,
              "[...document.querySelectorAll('svg path')].length > 0",
              "prometheus-metric.png");
          prometheus.picture(
              page,
              "/classic/alerts",
              "document.body.innerText.includes('SidstreamOnHold (1 active)')",
              "prometheus-alerts.png");
        }
      }
      assertThat(prometheus.get("/api/v1/rules"))
          .contains("SidstreamWorseThanPopularity")
          .doesNotContain("\"health\":\"err\"");
      // What was not brought about does not fire.
      assertThat(prometheus.fires("SidstreamDown")).isFalse();
      assertThat(prometheus.fires("SidstreamTransactionLost")).isFalse();
    }
  }

  /** A principal that may read some topics and do nothing else. */
  private static void reads(String user, String name, String... topics) throws Exception {
    broker.user(user, READER_PASSWORD);
    for (String topic : topics) {
      broker.allow(List.of(topic(user, AclOperation.READ, name, topic)));
    }
  }

  /** The options by which a command logs in, the password from the environment. */
  private static List<String> where(Path secrets, String name, String user) throws Exception {
    Path login =
        Files.writeString(
            secrets.resolve(user + ".properties"), login(user, "${env:SIDSTREAM_KAFKA_PASSWORD}"));
    return List.of(
        "--bootstrap", broker.secured(), "--prefix", name + ".", "--kafka-file", login.toString());
  }

  /** Properties of a client that logs in. */
  private static String login(String user, String password) throws Exception {
    return """
        security.protocol=SASL_SSL
        sasl.mechanism=SCRAM-SHA-512
        sasl.jaas.config=%s
        ssl.truststore.type=PEM
        ssl.truststore.certificates=%s
        """
        .formatted(SecuredBroker.jaas(user, password), broker.certificate().replace("\n", "\\n"));
  }

  /** Runs a command until it says something: on a busy machine a broker may answer it too late. */
  private static void says(
      String expected, Path kept, String what, List<String> where, String... more) {
    await("tokens " + what)
        .atMost(LONG)
        .pollInSameThread()
        .untilAsserted(() -> assertThat(tokens(kept, what, where, more)).containsPattern(expected));
  }

  private static String tokens(Path kept, String what, List<String> where, String... more)
      throws Exception {
    List<String> arguments = new ArrayList<>(List.of("tokens", what));
    arguments.addAll(where);
    arguments.addAll(List.of(more));
    Path output = kept.resolve("tokens-" + what);
    try (Command command =
        Command.start(
            output, arguments, List.of(), Map.of("SIDSTREAM_KAFKA_PASSWORD", READER_PASSWORD))) {
      command.await(LONG.toSeconds());
      return command.output();
    }
  }

  private static void assertClean(String where, String text, String... secrets) {
    for (String secret : secrets) {
      int at = text.indexOf(secret);
      assertThat(at)
          .as(
              "a secret in %s: ...%s",
              where, at < 0 ? "" : text.substring(Math.max(0, at - 80), at))
          .isNegative();
    }
  }

  private static String address(String output) {
    return match(output, "Flink's web UI: (\\S+)").replaceAll("/$", "");
  }

  private static String match(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertThat(matcher.find()).as("%s in %s", pattern, text).isTrue();
    return matcher.group(1);
  }

  private static String get(String uri) {
    try {
      return HttpClient.newHttpClient()
          .send(
              HttpRequest.newBuilder(URI.create(uri)).timeout(Duration.ofSeconds(60)).build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static int free() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
