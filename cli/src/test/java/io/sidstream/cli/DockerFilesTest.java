package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What can be known of the container files without a container engine. */
class DockerFilesTest {
  private static Path root;

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
