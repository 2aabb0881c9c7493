package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.flink.FlinkCluster;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.metrics.JobMetric;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What docker/compose.yaml runs, without an engine for containers: the image's folders are laid out
 * by the Dockerfile's own command, its entry point starts each part with the configuration of the
 * image, but for addresses, ports and folders, which containers have to themselves.
 */
class ImageE2ECase {
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private Path folder;
  private final Deque<Process> processes = new ArrayDeque<>();
  private Path home;

  @BeforeEach
  void begin() throws IOException {
    // Links to what is built lie in it, which a folder of JUnit's would warn of.
    folder = Files.createTempDirectory("sidstream-image-");
  }

  @AfterEach
  void stop() {
    processes.forEach(Process::destroyForcibly);
    processes.forEach(process -> process.onExit().join());
    Broker.delete(folder);
  }

  @Test
  void theCommandsOfTheServicesWorkTogether() throws Exception {
    home = Files.createDirectories(folder.resolve("home"));
    layOut();
    int rest = StandaloneCluster.freePort();
    int metrics = StandaloneCluster.freePort();
    configure(rest, metrics);
    List<String> sets = TinyJob.settings(Broker.bootstrap(), "image");
    JobConfig config = JobConfig.load(home.resolve("conf/job.yaml"), sets);
    FlinkCluster flink = new FlinkCluster(URI.create("http://127.0.0.1:" + rest));
    try {
      run("jobmanager");
      String health = healthCheck(rest);
      Awaitility.await("the health check of the JobManager")
          .atMost(LONG)
          .until(() -> shell(folder, health) == 0);
      run("taskmanager");
      Awaitility.await("a TaskManager with its slots")
          .atMost(LONG)
          .ignoreExceptions()
          .until(() -> flink.get("/overview").path("slots-available").asInt() == 2);

      List<String> submit = new ArrayList<>(List.of("submit", "--conf", conf("job.yaml")));
      sets.forEach(set -> submit.addAll(List.of("--set", set)));
      Process submission = run(submit.toArray(String[]::new));
      assertThat(submission.waitFor(LONG.toSeconds(), TimeUnit.SECONDS)).as(said()).isTrue();
      assertThat(submission.exitValue()).as(said()).isZero();
      JsonNode jobs = flink.get("/jobs/overview").path("jobs");
      assertThat(jobs).hasSize(1);
      assertThat(jobs.get(0).path("name").asText()).isEqualTo("sidstream");

      try (Inputs in = new Inputs(config);
          TokenLog log = TinyJob.log(config, true)) {
        in.items(0, Traffic.FIRST_ITEMS);
        Traffic traffic = new Traffic(in);
        log.await(
            "a version",
            LONG,
            () -> {
              traffic.keepGoing(log);
              return log.committed() >= 1;
            });
        log.await("the end", LONG, () -> traffic.settled(log));
      }
      Process verify =
          run("tokens", "verify", "--bootstrap", Broker.bootstrap(), "--prefix", "image.");
      assertThat(verify.waitFor(LONG.toSeconds(), TimeUnit.SECONDS)).as(said()).isTrue();
      assertThat(verify.exitValue()).as(said()).isZero();
      assertThat(scraped(metrics)).contains(JobMetric.ROWS.prometheus());
      assertThat(folder.resolve("checkpoints")).isNotEmptyDirectory();
    } catch (Throwable e) {
      throw new AssertionError(e.getMessage() + "\n" + said(), e);
    }
  }

  /** Copies what the image has in lib, cluster and beside them. */
  private void layOut() throws Exception {
    String dockerfile = Files.readString(ROOT.resolve("docker/Dockerfile"));
    Matcher made =
        Pattern.compile("^RUN (mkdir cluster && .*?[^\\\\])$", Pattern.MULTILINE | Pattern.DOTALL)
            .matcher(dockerfile);
    assertThat(made.find()).as("the command that fills cluster/").isTrue();
    Path source = Files.createDirectories(folder.resolve("src"));
    Path built = Files.createDirectories(source.resolve("cli"));
    Files.createSymbolicLink(built.resolve("target"), ROOT.resolve("cli/target"));
    assertThat(shell(source, made.group(1).replace("/src/", source + "/"))).as(said()).isZero();
    Files.move(source.resolve("cluster"), home.resolve("cluster"));
    Path lib = Files.createDirectories(home.resolve("lib"));
    try (Stream<Path> jars =
        Stream.concat(
            Files.list(ROOT.resolve("cli/target/lib")), Files.list(ROOT.resolve("cli/target")))) {
      for (Path jar : jars.filter(f -> f.toString().endsWith(".jar")).toList()) {
        Files.createSymbolicLink(lib.resolve(jar.getFileName()), jar);
      }
    }
    Files.createSymbolicLink(home.resolve("sidstream-job.jar"), JobJar.path());
  }

  /** The image's configuration, for processes that share one machine. */
  private void configure(int rest, int metrics) throws IOException {
    Path conf = Files.createDirectories(home.resolve("conf"));
    try (Stream<Path> files = Files.list(ROOT.resolve("docker/conf"))) {
      for (Path file : files.toList()) {
        Files.copy(file, conf.resolve(file.getFileName()));
      }
    }
    replace(conf.resolve("config.yaml"), "address: jobmanager", "address: 127.0.0.1");
    replace(conf.resolve("config.yaml"), "0.0.0.0", "127.0.0.1");
    replace(conf.resolve("config.yaml"), "port: 6123", "port: " + StandaloneCluster.freePort());
    replace(conf.resolve("config.yaml"), "port: 8081", "port: " + rest);
    // JobManager and TaskManager: the next free one is the other's.
    replace(conf.resolve("config.yaml"), "port: 9249", "port: " + metrics + "-" + (metrics + 50));
    replace(conf.resolve("job.yaml"), "kafka:9092", Broker.bootstrap());
    replace(
        conf.resolve("job.yaml"),
        "file:///checkpoints",
        Files.createDirectories(folder.resolve("checkpoints")).toUri().toString());
  }

  private static void replace(Path file, String what, String by) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(what);
    Files.writeString(file, text.replace(what, by));
  }

  /** That of compose.yaml, with the port of this test. */
  private static String healthCheck(int rest) throws IOException {
    String compose = Files.readString(ROOT.resolve("docker/compose.yaml"));
    Matcher check = Pattern.compile("\"CMD-SHELL\", \"(bash .*8081.*)\"").matcher(compose);
    assertThat(check.find()).as("the health check of the JobManager").isTrue();
    return check.group(1).replace("8081", String.valueOf(rest));
  }

  private String conf(String file) {
    return home.resolve("conf").resolve(file).toString();
  }

  /** What Prometheus would have of JobManager and TaskManager. */
  private static String scraped(int first) throws InterruptedException {
    StringBuilder all = new StringBuilder();
    for (int port = first; port < first + 3; port++) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/metrics"))
              .timeout(Duration.ofSeconds(30))
              .build();
      try {
        all.append(HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body());
      } catch (IOException e) {
        // Nobody listens there.
        continue;
      }
    }
    return all.toString();
  }

  /** Starts the image's entry point. */
  private Process run(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(ROOT.resolve("docker/entrypoint.sh").toString());
    command.addAll(List.of(arguments));
    Path temporary = Files.createDirectories(folder.resolve("tmp-" + processes.size()));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(
                folder.resolve(processes.size() + "-" + arguments[0] + ".out").toFile());
    builder.environment().put("SIDSTREAM_HOME", home.toString());
    builder.environment().put("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + temporary);
    String java = Path.of(System.getProperty("java.home"), "bin").toString();
    builder.environment().merge("PATH", java, (path, bin) -> bin + ":" + path);
    Process process = builder.start();
    processes.push(process);
    return process;
  }

  private int shell(Path in, String command) throws Exception {
    return new ProcessBuilder("bash", "-c", command)
        .directory(in.toFile())
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("shell.out").toFile())
        .start()
        .waitFor();
  }

  /** The newest of what each part has said, for a message. */
  private String said() throws IOException {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".out")).sorted().toList()) {
        List<String> lines = Files.readAllLines(file);
        all.append("==== ").append(file.getFileName()).append('\n');
        lines.stream()
            .skip(Math.max(0, lines.size() - 25))
            .forEach(l -> all.append(l).append('\n'));
      }
    }
    return all.toString();
  }
}
