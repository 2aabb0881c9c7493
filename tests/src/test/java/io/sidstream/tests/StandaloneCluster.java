package io.sidstream.tests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A standalone Flink cluster: JobManager and TaskManagers as JVMs of their own, bound to 127.0.0.1.
 * Their class path is what a Flink distribution has in its {@code lib}, taken from this JVM's class
 * path: the job itself, its Kafka connector and its native libraries come with the job's jar.
 */
final class StandaloneCluster implements AutoCloseable {
  /** Jars of a distribution's lib, by the beginnings of their names. */
  private static final List<String> DISTRIBUTION =
      List.of(
          "flink-annotations",
          "flink-clients",
          "flink-connector-base",
          "flink-connector-datagen",
          "flink-container",
          "flink-core",
          "flink-datastream",
          "flink-file-sink-common",
          "flink-hadoop-fs",
          "flink-metrics-core",
          "flink-queryable-state",
          "flink-rpc",
          "flink-runtime",
          "flink-shaded",
          "flink-statebackend-rocksdb",
          "flink-streaming-java",
          "frocksdbjni",
          "log4j-",
          "slf4j-api",
          "snappy-java",
          "commons-",
          "kryo",
          "minlog",
          "reflectasm",
          "objenesis",
          "javassist",
          "RoaringBitmap",
          "snakeyaml-engine",
          "async-profiler",
          "jsr305");

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BOUNDARY = "----sidstream-jar";

  private final Path folder;
  private final Path conf;
  private final String classPath;
  private final URI rest;
  private final HttpClient http = HttpClient.newHttpClient();
  private final List<Process> processes = new ArrayList<>();
  private int started;

  /** Writes the configuration; starts nothing. */
  StandaloneCluster(Path folder, int slots) throws IOException {
    this(folder, slots, Map.of());
  }

  /** Writes the configuration with more settings; starts nothing. */
  StandaloneCluster(Path folder, int slots, Map<String, String> more) throws IOException {
    this.folder = folder;
    conf = Files.createDirectories(folder.resolve("conf"));
    classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(StandaloneCluster::distributed)
            .collect(Collectors.joining(File.pathSeparator));
    int restPort = freePort();
    rest = URI.create("http://127.0.0.1:" + restPort);
    Files.writeString(
        conf.resolve("config.yaml"),
        """
        jobmanager.rpc.address: 127.0.0.1
        jobmanager.rpc.port: %d
        jobmanager.bind-host: 127.0.0.1
        jobmanager.memory.process.size: 768m
        jobmanager.memory.jvm-metaspace.size: 128m
        rest.address: 127.0.0.1
        rest.bind-address: 127.0.0.1
        rest.port: %d
        web.tmpdir: '%s'
        io.tmp.dirs: '%s'
        taskmanager.host: 127.0.0.1
        taskmanager.bind-host: 127.0.0.1
        taskmanager.numberOfTaskSlots: %d
        taskmanager.memory.process.size: 1800m
        taskmanager.memory.managed.size: 128m
        taskmanager.memory.network.min: 64m
        taskmanager.memory.network.max: 64m
        taskmanager.memory.task.off-heap.size: 384m
        heartbeat.interval: 1 s
        heartbeat.timeout: 30 s
        restart-strategy.type: fixed-delay
        restart-strategy.fixed-delay.attempts: 1000
        restart-strategy.fixed-delay.delay: 500 ms
        """
                .formatted(
                    freePort(),
                    restPort,
                    Files.createDirectories(folder.resolve("web")),
                    Files.createDirectories(folder.resolve("tmp")),
                    slots)
            + more.entrySet().stream()
                .map(e -> e.getKey() + ": '" + e.getValue() + "'\n")
                .collect(Collectors.joining()));
    Files.writeString(
        conf.resolve("log4j2.properties"),
        """
        appender.console.type = Console
        appender.console.name = console
        appender.console.layout.type = PatternLayout
        appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1.} %m%n
        rootLogger.level = info
        rootLogger.appenderRef.console.ref = console
        logger.kafka.name = org.apache.kafka
        logger.kafka.level = warn
        """);
  }

  private static boolean distributed(String path) {
    String name = Path.of(path).getFileName().toString();
    return name.endsWith(".jar")
        && !name.endsWith("-tests.jar")
        && DISTRIBUTION.stream().anyMatch(name::startsWith);
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  void startJobManager() throws IOException {
    List<String> command = java("-Xmx400m", "-XX:MaxMetaspaceSize=256m");
    command.addAll(
        List.of(
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            "--configDir",
            conf.toString(),
            "--executionMode",
            "cluster"));
    start("jobmanager", command);
  }

  /** Starts any other of Flink's programs, with its arguments. */
  Process startProgram(String name, List<String> mainClassAndArguments) throws IOException {
    List<String> command = java("-Xmx400m", "-XX:MaxMetaspaceSize=256m");
    command.addAll(mainClassAndArguments);
    return start(name, command);
  }

  /** Folder of its configuration. */
  Path conf() {
    return conf;
  }

  /** Starts a TaskManager with the memory that Flink works out from the configuration. */
  Process startTaskManager() throws IOException, InterruptedException {
    List<String> ask = java("-Xmx128m");
    ask.addAll(
        List.of(
            "org.apache.flink.runtime.util.bash.BashJavaUtils",
            "GET_TM_RESOURCE_PARAMS",
            "--configDir",
            conf.toString()));
    Process asking = new ProcessBuilder(ask).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String mark = "BASH_JAVA_UTILS_EXEC_RESULT:";
    List<String> answer =
        new String(asking.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
            .lines()
            .filter(line -> line.startsWith(mark))
            .map(line -> line.substring(mark.length()).trim())
            .toList();
    asking.waitFor();
    if (answer.size() != 2) {
      throw new IOException("Flink does not say what memory a TaskManager gets: " + answer);
    }
    List<String> command = java(answer.get(0).split(" +"));
    command.addAll(
        List.of(
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            "--configDir",
            conf.toString()));
    command.addAll(Arrays.asList(answer.get(1).split(" +")));
    return start("taskmanager", command);
  }

  private List<String> java(String... flags) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(flags));
    for (String name :
        List.of(
            "java.lang",
            "java.lang.invoke",
            "java.lang.reflect",
            "java.net",
            "java.io",
            "java.nio",
            "java.text",
            "java.time",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "java.util.concurrent.locks",
            "sun.nio.ch")) {
      command.add("--add-opens=java.base/" + name + "=ALL-UNNAMED");
    }
    command.add("-Dlog4j2.configurationFile=" + conf.resolve("log4j2.properties"));
    command.add("-cp");
    command.add(classPath);
    return command;
  }

  private Process start(String name, List<String> command) throws IOException {
    File log = folder.resolve(name + "-" + started++ + ".log").toFile();
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log)
            .start();
    processes.add(process);
    return process;
  }

  /** The newest lines of every log, for a message. */
  String logs() throws IOException {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path log : files.filter(f -> f.toString().endsWith(".log")).sorted().toList()) {
        List<String> lines = Files.readAllLines(log, StandardCharsets.UTF_8);
        all.append("\n==== ").append(log.getFileName()).append('\n');
        lines.stream()
            .skip(Math.max(0, lines.size() - 40))
            .forEach(line -> all.append(line).append('\n'));
      }
    }
    return all.toString();
  }

  /** The text of one kind of log. */
  String log(String name) throws IOException {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path log :
          files.filter(f -> f.getFileName().toString().startsWith(name)).sorted().toList()) {
        all.append(Files.readString(log, StandardCharsets.UTF_8));
      }
    }
    return all.toString();
  }

  /** Slots that are free, -1 while the JobManager does not answer. */
  int freeSlots() throws IOException, InterruptedException {
    try {
      return get("/overview").path("slots-available").asInt(-1);
    } catch (IOException e) {
      // Nobody listens yet, or who listens has no dispatcher yet (503).
      return -1;
    }
  }

  JsonNode get(String path) throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(rest.resolve(path)).GET());
  }

  /** Uploads a jar; its identifier. */
  String upload(Path jar) throws IOException, InterruptedException {
    String head =
        "--"
            + BOUNDARY
            + "\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\""
            + jar.getFileName()
            + "\"\r\nContent-Type: application/x-java-archive\r\n\r\n";
    BodyPublisher body =
        BodyPublishers.concat(
            BodyPublishers.ofString(head),
            BodyPublishers.ofFile(jar),
            BodyPublishers.ofString("\r\n--" + BOUNDARY + "--\r\n"));
    JsonNode answer =
        send(
            HttpRequest.newBuilder(rest.resolve("/jars/upload"))
                .header("Content-Type", "multipart/form-data; boundary=" + BOUNDARY)
                .POST(body));
    return Path.of(answer.get("filename").asText()).getFileName().toString();
  }

  /** Runs the main class of a jar; the job's identifier. */
  String run(String jar, List<String> arguments, String savepoint)
      throws IOException, InterruptedException {
    var request = JSON.createObjectNode();
    request.set("programArgsList", JSON.valueToTree(arguments));
    if (savepoint != null) {
      request.put("savepointPath", savepoint).put("claimMode", "CLAIM");
    }
    return post("/jars/" + jar + "/run", request).get("jobid").asText();
  }

  /** Stops a job with a savepoint and waits for it; where the savepoint is. */
  String stopWithSavepoint(String job, Path target) throws IOException, InterruptedException {
    var request = JSON.createObjectNode();
    request.put("targetDirectory", target.toUri().toString()).put("drain", false);
    String trigger = post("/jobs/" + job + "/stop", request).get("request-id").asText();
    JsonNode[] last = new JsonNode[1];
    org.awaitility.Awaitility.await("savepoint")
        .atMost(Duration.ofSeconds(120))
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> {
              last[0] = get("/jobs/" + job + "/savepoints/" + trigger);
              return last[0].path("status").path("id").asText().equals("COMPLETED");
            });
    JsonNode location = last[0].path("operation").path("location");
    if (location.isMissingNode()) {
      throw new IOException("no savepoint: " + last[0]);
    }
    return location.asText();
  }

  private JsonNode post(String path, JsonNode body) throws IOException, InterruptedException {
    return send(
        HttpRequest.newBuilder(rest.resolve(path))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body.toString())));
  }

  private JsonNode send(HttpRequest.Builder request) throws IOException, InterruptedException {
    var answer =
        http.send(
            request.timeout(Duration.ofSeconds(60)).build(),
            BodyHandlers.ofString(StandardCharsets.UTF_8));
    if (answer.statusCode() >= 300) {
      throw new IOException(answer.uri() + " answered " + answer.statusCode() + answer.body());
    }
    return JSON.readTree(answer.body());
  }

  @Override
  public void close() {
    processes.forEach(Process::destroyForcibly);
    processes.forEach(process -> process.onExit().join());
  }
}
