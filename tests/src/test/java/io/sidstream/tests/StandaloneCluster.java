package io.sidstream.tests;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.flink.FlinkCluster;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A standalone Flink cluster: JobManager and TaskManagers as JVMs of their own, bound to 127.0.0.1.
 * Their class path is what a Flink distribution has in its {@code lib}, taken from this JVM's class
 * path: the job itself, its Kafka connector and its native libraries come with the job's jar.
 */
public final class StandaloneCluster implements AutoCloseable {
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
          "snappy-java",
          "async-profiler",
          "jsr305");

  /** Argument that a process gets its own temporary folder by. */
  private static final String TEMPORARY = "-Dio.tmp.dirs=";

  private final Path folder;
  private final Path conf;
  private final String classPath;
  private final URI rest;
  private final FlinkCluster flink;
  private final Map<Process, Path> processes = new HashMap<>();
  private List<String> taskManager;
  private int started;

  /**
   * Writes the configuration; starts nothing.
   *
   * @param settings Flink's, which win over the ones here
   */
  public StandaloneCluster(Path folder, int slots, Map<String, String> settings)
      throws IOException {
    this.folder = folder;
    conf = Files.createDirectories(folder.resolve("conf"));
    classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(StandaloneCluster::distributed)
            .collect(Collectors.joining(File.pathSeparator));
    int restPort = freePort();
    rest = URI.create("http://127.0.0.1:" + restPort);
    flink = new FlinkCluster(rest);
    Map<String, String> all = new LinkedHashMap<>();
    all.put("jobmanager.rpc.address", "127.0.0.1");
    all.put("jobmanager.rpc.port", String.valueOf(freePort()));
    all.put("jobmanager.bind-host", "127.0.0.1");
    all.put("jobmanager.memory.process.size", "768m");
    all.put("jobmanager.memory.jvm-metaspace.size", "128m");
    all.put("rest.address", "127.0.0.1");
    all.put("rest.bind-address", "127.0.0.1");
    all.put("rest.port", String.valueOf(restPort));
    all.put("web.tmpdir", Files.createDirectories(folder.resolve("web")).toString());
    all.put("taskmanager.host", "127.0.0.1");
    all.put("taskmanager.bind-host", "127.0.0.1");
    all.put("taskmanager.numberOfTaskSlots", String.valueOf(slots));
    all.put("taskmanager.memory.process.size", "1800m");
    all.put("taskmanager.memory.managed.size", "128m");
    all.put("taskmanager.memory.network.min", "64m");
    all.put("taskmanager.memory.network.max", "64m");
    all.put("taskmanager.memory.task.off-heap.size", "384m");
    all.put("heartbeat.interval", "1 s");
    all.put("heartbeat.timeout", "30 s");
    all.put("restart-strategy.type", "fixed-delay");
    all.put("restart-strategy.fixed-delay.attempts", "100000");
    all.put("restart-strategy.fixed-delay.delay", "500 ms");
    all.putAll(settings);
    StringBuilder yaml = new StringBuilder();
    all.forEach((key, value) -> yaml.append(key).append(": '").append(value).append("'\n"));
    Files.writeString(conf.resolve("config.yaml"), yaml);
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

  /** A port of this machine that nobody listens at. */
  public static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Starts the JobManager. */
  public Process startJobManager() throws IOException {
    List<String> command = java("-Xmx400m", "-XX:MaxMetaspaceSize=256m");
    command.addAll(
        List.of(
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            "--configDir",
            conf.toString(),
            "--executionMode",
            "cluster",
            TEMPORARY));
    return start("jobmanager", command);
  }

  /** Starts a ZooKeeper server, as Flink ships it, that keeps its data in this folder. */
  public Process startZooKeeper(int port) throws IOException {
    Path data = Files.createDirectories(folder.resolve("zookeeper"));
    Path file = conf.resolve("zoo.cfg");
    Files.writeString(
        file,
        """
        tickTime=1000
        dataDir=%s
        clientPort=%d
        clientPortAddress=127.0.0.1
        admin.enableServer=false
        server.1=127.0.0.1:%d:%d
        """
            .formatted(data, port, freePort(), freePort()));
    List<String> command = java("-Xmx64m");
    command.add("org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer");
    command.addAll(List.of("--zkConfigFile", file.toString(), "--peerId", "1"));
    return start("zookeeper", command);
  }

  /** Starts any other of Flink's programs, with its arguments. */
  Process startProgram(String name, List<String> mainClassAndArguments) throws IOException {
    List<String> command = java("-Xmx400m", "-XX:MaxMetaspaceSize=256m");
    command.addAll(mainClassAndArguments);
    return start(name, command);
  }

  /** Of its REST API. */
  URI address() {
    return rest;
  }

  /** Folder of its configuration. */
  Path conf() {
    return conf;
  }

  /** Starts a TaskManager with the memory that Flink works out from the configuration. */
  public Process startTaskManager() throws IOException, InterruptedException {
    if (taskManager == null) {
      taskManager = taskManagerCommand();
    }
    return start("taskmanager", taskManager);
  }

  private List<String> taskManagerCommand() throws IOException, InterruptedException {
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
    command.add(TEMPORARY);
    return command;
  }

  private List<String> java(String... flags) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(flags));
    // Many short lives: what matters is how fast they begin.
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
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

  /** Starts a process with a folder for temporary files of its own: a job's jar is large. */
  private Process start(String name, List<String> command) throws IOException {
    String numbered = name + "-" + started++;
    Path temporary = Files.createDirectories(folder.resolve("tmp").resolve(numbered));
    List<String> whole =
        new ArrayList<>(command.stream().map(a -> a.replace(TEMPORARY, a + temporary)).toList());
    whole.add(1, "-Djava.io.tmpdir=" + temporary);
    Process process =
        new ProcessBuilder(whole)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(numbered + ".log").toFile())
            .start();
    processes.put(process, temporary);
    return process;
  }

  /** Kills a process ({@code kill -9}), and removes the temporary files that it leaves. */
  public void kill(Process process) {
    process.destroyForcibly();
    process.onExit().join();
    Broker.delete(processes.remove(process));
  }

  /** The newest lines of every log, for a message. */
  public String logs() throws IOException {
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

  /** State and newest failure of every job, a line each, for a message. */
  public String failures() {
    StringBuilder all = new StringBuilder();
    try {
      for (JsonNode job : get("/jobs").path("jobs")) {
        String id = job.path("id").asText();
        JsonNode newest =
            get("/jobs/" + id + "/exceptions").path("exceptionHistory").path("entries").path(0);
        String trace = newest.path("stacktrace").asText();
        all.append(id).append(' ').append(job.path("status").asText()).append(' ');
        all.append(trace, 0, Math.min(1500, trace.length())).append('\n');
      }
    } catch (IOException e) {
      all.append("the JobManager does not answer: ").append(e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return all.toString();
  }

  /** The text of one kind of log. */
  public String log(String name) throws IOException {
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
  public int freeSlots() throws IOException, InterruptedException {
    try {
      return get("/overview").path("slots-available").asInt(-1);
    } catch (IOException e) {
      // Nobody listens yet, or who listens has no dispatcher yet (503).
      return -1;
    }
  }

  /** What the REST interface answers. */
  public JsonNode get(String path) throws IOException, InterruptedException {
    return flink.get(path);
  }

  /** Uploads a jar; its identifier. */
  public String upload(Path jar) throws IOException, InterruptedException {
    return flink.upload(jar);
  }

  /** Runs the main class of a jar; the job's identifier. */
  public String run(String jar, List<String> arguments) throws IOException, InterruptedException {
    return run(jar, arguments, null);
  }

  /** As {@link #run(String, List)}, from a checkpoint; null for none. */
  public String run(String jar, List<String> arguments, String from)
      throws IOException, InterruptedException {
    return flink.run(jar, arguments, from);
  }

  @Override
  public void close() {
    processes.keySet().forEach(Process::destroyForcibly);
    processes.keySet().forEach(process -> process.onExit().join());
  }
}
