package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What can be known of the container files without a container engine. */
class DockerFilesTest {
  private static Path root;

  @TempDir private Path temporary;

  @BeforeAll
  static void findRoot() {
    root = Path.of("").toAbsolutePath();
    while (!Files.isRegularFile(root.resolve("docker/compose.yaml"))) {
      root = root.getParent();
      assertThat(root).as("a folder above with docker/compose.yaml").isNotNull();
    }
  }

  @Test
  void composeNamesServicesAndVolumesThatExist() throws IOException {
    Map<?, ?> compose = yaml(root.resolve("docker/compose.yaml"));
    Map<?, ?> services = (Map<?, ?>) compose.get("services");
    assertThat(services.keySet().stream().map(String::valueOf))
        .containsExactlyInAnyOrder(
            "kafka", "jobmanager", "taskmanager", "submit", "prometheus", "grafana");
    Map<?, ?> volumes = (Map<?, ?>) compose.get("volumes");
    services.forEach(
        (name, value) -> {
          Map<?, ?> service = (Map<?, ?>) value;
          if (service.get("depends_on") instanceof Map<?, ?> others) {
            others
                .keySet()
                .forEach(
                    other -> {
                      assertThat(services.containsKey(other))
                          .as(name + " depends on " + other)
                          .isTrue();
                      assertThat(((Map<?, ?>) services.get(other)).containsKey("healthcheck"))
                          .as(other + " has a health check to wait for")
                          .isTrue();
                    });
          }
          if (service.get("volumes") instanceof List<?> mounts) {
            mounts.forEach(
                mount -> {
                  String source = String.valueOf(mount).split(":")[0];
                  assertThat(
                          source.startsWith("./")
                              ? Files.isDirectory(root.resolve("docker").resolve(source))
                              : volumes.containsKey(source))
                      .as("volume or folder " + mount)
                      .isTrue();
                });
          }
        });
    Map<?, ?> build = (Map<?, ?>) ((Map<?, ?>) compose.get("x-sidstream")).get("build");
    Path context = root.resolve("docker").resolve(String.valueOf(build.get("context"))).normalize();
    assertThat(context).isEqualTo(root);
    assertThat(context.resolve(String.valueOf(build.get("dockerfile")))).isRegularFile();
  }

  /** The image of Kafka makes a setting of each of its variables. */
  @Test
  void theBrokerTakesItsSettings() throws IOException {
    Map<?, ?> services = (Map<?, ?>) yaml(root.resolve("docker/compose.yaml")).get("services");
    Map<?, ?> variables = (Map<?, ?>) ((Map<?, ?>) services.get("kafka")).get("environment");
    Map<String, String> settings = new TreeMap<>();
    variables.forEach(
        (name, value) ->
            settings.put(
                String.valueOf(name)
                    .replaceFirst("^KAFKA_", "")
                    .toLowerCase(Locale.ROOT)
                    .replace('_', '.'),
                String.valueOf(value)));
    assertThat(KafkaConfig.configDef().names()).containsAll(settings.keySet());
    KafkaConfig broker = new KafkaConfig(settings, false);
    assertThat(broker.messageMaxBytes()).isEqualTo(16_777_216);
    assertThat(broker.autoCreateTopicsEnable()).isFalse();
  }

  @Test
  void scriptsNameFilesAndClassesThatExist() throws Exception {
    String dockerfile = Files.readString(root.resolve("docker/Dockerfile"));
    List<String> copied =
        find(
            Pattern.compile("^COPY (?:--chmod=\\d+ )?(docker/\\S+)", Pattern.MULTILINE),
            dockerfile);
    assertThat(copied).isNotEmpty().allSatisfy(file -> assertThat(root.resolve(file)).exists());
    assertThat(dockerfile).contains("./mvnw");
    assertThat(root.resolve("docker/entrypoint.sh").toFile().canExecute()).isTrue();

    String entrypoint = Files.readString(root.resolve("docker/entrypoint.sh"));
    List<String> classes =
        find(
            Pattern.compile(
                "\\b((?:org\\.apache\\.flink|io\\.sidstream)(?:\\.[a-z]+)+\\.[A-Z]\\w+)"),
            entrypoint);
    assertThat(classes).hasSizeGreaterThanOrEqualTo(5);
    for (String name : classes) {
      assertThat(
              Class.forName(name, false, getClass().getClassLoader())
                  .getMethod("main", String[].class))
          .as(name)
          .isNotNull();
    }
    Matcher configured = Pattern.compile("\\$conf/(\\S+?)\"").matcher(entrypoint);
    while (configured.find()) {
      assertThat(root.resolve("docker/conf").resolve(configured.group(1))).exists();
    }
  }

  @Test
  void configurationsAreAccepted() {
    Path conf = root.resolve("docker/conf");
    JobConfig job = JobConfig.load(conf.resolve("job.yaml"), List.of());
    Configuration flink = GlobalConfiguration.loadConfiguration(conf.toString());
    assertThat(job.get(JobOptions.KAFKA_BOOTSTRAP)).isEqualTo("kafka:9092");
    assertThat(flink.get(RestOptions.PORT)).isEqualTo(8081);
    assertThat(flink.get(TaskManagerOptions.NUM_TASK_SLOTS))
        .as("slots for the job's parallelism")
        .isGreaterThanOrEqualTo(job.get(JobOptions.PARALLELISM));
  }

  @Test
  void kubernetesRunsTheJobThatIsThere() throws Exception {
    Path folder = root.resolve("docker/kubernetes");
    JobConfig config = kubernetesJob(folder);
    assertThat(config.secretsInClear()).isEmpty();

    Map<?, ?> spec =
        (Map<?, ?>) yaml(folder.resolve("application/flink-deployment.yaml")).get("spec");
    Map<?, ?> asked = (Map<?, ?>) spec.get("job");
    Class<?> main = Class.forName(String.valueOf(asked.get("entryClass")));
    assertThat(main.getMethod("main", String[].class)).isNotNull();
    assertThat(asked.get("parallelism")).isEqualTo(config.get(JobOptions.PARALLELISM));
    assertThat(asked.get("upgradeMode")).isEqualTo("savepoint");
    String jar = String.valueOf(asked.get("jarURI")).replace("local://", "");
    assertThat(Files.readString(folder.resolve("Dockerfile"))).contains(jar);
    Map<String, String> flink = new TreeMap<>();
    ((Map<?, ?>) spec.get("flinkConfiguration"))
        .forEach((key, value) -> flink.put(String.valueOf(key), String.valueOf(value)));
    Configuration cluster = Configuration.fromMap(flink);
    assertThat(cluster.get(TaskManagerOptions.NUM_TASK_SLOTS))
        .isGreaterThanOrEqualTo(config.get(JobOptions.PARALLELISM));
    assertThat(cluster.get(HighAvailabilityOptions.HA_MODE)).isEqualTo("kubernetes");
    assertThat(cluster.get(HighAvailabilityOptions.HA_STORAGE_PATH)).startsWith("s3://");
  }

  /**
   * What kustomize refuses: a file outside the folder, a folder that holds this one or lies in it.
   */
  @Test
  void kustomizationsAreThoseThatKustomizeTakes() throws Exception {
    List<Path> folders;
    try (Stream<Path> files = Files.walk(root.resolve("docker/kubernetes"))) {
      folders = files.filter(f -> f.endsWith("kustomization.yaml")).map(Path::getParent).toList();
    }
    assertThat(folders).hasSize(4);
    for (Path folder : folders) {
      List<?> resources = (List<?>) yaml(folder.resolve("kustomization.yaml")).get("resources");
      assertThat(resources).as(folder.toString()).isNotEmpty();
      for (Object name : resources) {
        Path resource = folder.resolve(String.valueOf(name)).normalize();
        if (Files.isDirectory(resource)) {
          assertThat(folders).as("%s names %s", folder, name).contains(resource);
          assertThat(folder.startsWith(resource) || resource.startsWith(folder))
              .as("%s and %s lie in each other", folder, name)
              .isFalse();
        } else {
          assertThat(resource).isRegularFile();
          assertThat(resource.startsWith(folder)).as("%s lies in %s", name, folder).isTrue();
        }
      }
    }
  }

  @Test
  void topicsAreThoseThatTheJobMakes() throws Exception {
    Path folder = root.resolve("docker/kubernetes");
    Map<String, String> wanted = new TreeMap<>();
    for (NewTopic topic : Topics.all(kubernetesJob(folder))) {
      wanted.put(
          topic.name(), topic.numPartitions() + " partitions, " + new TreeMap<>(topic.configs()));
    }
    Map<String, String> found = new TreeMap<>();
    Iterable<Object> documents =
        new Load(LoadSettings.builder().build())
            .loadAllFromString(Files.readString(folder.resolve("topics.yaml")));
    for (Object document : documents) {
      Map<?, ?> topic = (Map<?, ?>) document;
      assertThat(topic.get("kind")).isEqualTo("KafkaTopic");
      Map<?, ?> spec = (Map<?, ?>) topic.get("spec");
      found.put(
          String.valueOf(((Map<?, ?>) topic.get("metadata")).get("name")),
          spec.get("partitions") + " partitions, " + new TreeMap<>((Map<?, ?>) spec.get("config")));
    }
    assertThat(found).isEqualTo(wanted);
  }

  @Test
  void overlaysPatchWhatIsThere() throws Exception {
    Path folder = root.resolve("docker/kubernetes");
    Path overlay = folder.resolve("overlays/example");
    Map<?, ?> kustomization = yaml(overlay.resolve("kustomization.yaml"));
    // kustomize changes no name inside a FlinkDeployment, which names the configuration's
    // ConfigMap.
    assertThat(kustomization.containsKey("namePrefix")).isFalse();
    assertThat(kustomization.containsKey("nameSuffix")).isFalse();
    Map<?, ?> base = yaml(folder.resolve("application/flink-deployment.yaml"));
    for (Object patch : (List<?>) kustomization.get("patches")) {
      Map<?, ?> patched = yaml(overlay.resolve(String.valueOf(((Map<?, ?>) patch).get("path"))));
      for (String key : List.of("apiVersion", "kind", "metadata")) {
        assertThat(patched.get(key)).isEqualTo(base.get(key));
      }
      Map<?, ?> job = (Map<?, ?>) ((Map<?, ?>) patched.get("spec")).get("job");
      List<String> sets = new ArrayList<>();
      List<?> arguments = (List<?>) job.get("args");
      for (int i = 0; i + 1 < arguments.size(); i += 2) {
        if (arguments.get(i).equals("--set")) {
          sets.add(String.valueOf(arguments.get(i + 1)));
        }
      }
      // Every key is one of the job's, and the value is taken.
      JobConfig config = JobConfig.load(null, sets);
      assertThat(job.get("parallelism")).isEqualTo(config.get(JobOptions.PARALLELISM));
    }
  }

  @Test
  void aSessionJobIsThatOfTheApplication() throws Exception {
    Path folder = root.resolve("docker/kubernetes");
    Path session = folder.resolve("session");
    Map<?, ?> cluster = yaml(session.resolve("session-cluster.yaml"));
    Map<?, ?> job = (Map<?, ?>) yaml(session.resolve("flink-session-job.yaml")).get("spec");
    assertThat(job.get("deploymentName"))
        .isEqualTo(((Map<?, ?>) cluster.get("metadata")).get("name"));
    Map<?, ?> application =
        (Map<?, ?>) yaml(folder.resolve("application/flink-deployment.yaml")).get("spec");
    for (String key : List.of("flinkConfiguration", "podTemplate", "jobManager", "taskManager")) {
      assertThat(((Map<?, ?>) cluster.get("spec")).get(key)).isEqualTo(application.get(key));
    }
    assertThat(((Map<?, ?>) cluster.get("spec")).containsKey("job")).isFalse();
    for (String key : List.of("entryClass", "args", "parallelism", "upgradeMode", "state")) {
      assertThat(((Map<?, ?>) job.get("job")).get(key))
          .as(key)
          .isEqualTo(((Map<?, ?>) application.get("job")).get(key));
    }
  }

  @Test
  void everyAlertHasAnEntryInTheRunbook() throws Exception {
    String runbook = Files.readString(root.resolve("docs/runbook.md"));
    Map<?, ?> rules = yaml(root.resolve("docker/prometheus/rules.yml"));
    Map<?, ?> tests = yaml(root.resolve("docker/prometheus/rules-test.yml"));
    String tested = String.valueOf(tests);
    List<String> names = new ArrayList<>();
    for (Object group : (List<?>) rules.get("groups")) {
      for (Object rule : (List<?>) ((Map<?, ?>) group).get("rules")) {
        String name = String.valueOf(((Map<?, ?>) rule).get("alert"));
        names.add(name);
        Map<?, ?> annotations = (Map<?, ?>) ((Map<?, ?>) rule).get("annotations");
        assertThat(annotations.get("runbook_url"))
            .isEqualTo("docs/runbook.md#" + name.toLowerCase(Locale.ROOT));
        assertThat(runbook).contains("\n## " + name + "\n");
        assertThat(tested).as("a test of " + name).contains("alertname=" + name + ",");
      }
    }
    assertThat(names).hasSizeGreaterThan(10).doesNotHaveDuplicates();
    assertThat(find(Pattern.compile("^## (Sidstream\\w+)$", Pattern.MULTILINE), runbook))
        .containsExactlyInAnyOrderElementsOf(names);
  }

  @Test
  void promtoolTakesTheRulesAndTheirTestsPass() throws Exception {
    assumeTrue(there("promtool"), "promtool (Debian: prometheus) is not installed");
    Path folder = root.resolve("docker/prometheus");
    run(folder, "promtool", "check", "config", "prometheus.yml");
    run(folder, "promtool", "test", "rules", "rules-test.yml");
  }

  @Test
  void shellcheckFindsNothing() throws Exception {
    assumeTrue(there("shellcheck"), "shellcheck is not installed");
    run(
        root,
        "shellcheck",
        "sidstream",
        "docker/entrypoint.sh",
        ".ci/run",
        ".ci/reproducible",
        ".ci/distribution");
  }

  private JobConfig kubernetesJob(Path folder) throws IOException {
    Map<?, ?> map = yaml(folder.resolve("config/job-config.yaml"));
    String yaml = String.valueOf(((Map<?, ?>) map.get("data")).get("job.yaml"));
    assertThat(yaml).contains("${dir:/etc/sidstream/kafka:password}");
    // Where the secret is mounted.
    Files.writeString(temporary.resolve("password"), "p");
    Files.writeString(temporary.resolve("ca.crt"), "c");
    Path job =
        Files.writeString(
            temporary.resolve("job.yaml"),
            yaml.replace("/etc/sidstream/kafka", temporary.toString()));
    return JobConfig.load(job, List.of());
  }

  private static boolean there(String tool) {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
  }

  private static void run(Path folder, String... command) throws Exception {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(String.join(" ", command) + ":\n" + said).isZero();
  }

  private static Map<?, ?> yaml(Path file) throws IOException {
    return (Map<?, ?>)
        new Load(LoadSettings.builder().setLabel(file.toString()).build())
            .loadFromString(Files.readString(file));
  }

  private static List<String> find(Pattern pattern, String text) {
    List<String> found = new ArrayList<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }
}
