package io.sidstream.tests.faults;

import io.sidstream.tests.StandaloneCluster;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.Uuid;

/**
 * A Kafka cluster of one or several brokers, each a process. They keep their folders and ports over
 * their lives. Several keep three replicas of everything, of which two must have a record before it
 * counts.
 */
final class Brokers implements AutoCloseable {
  private final Path folder;
  private final Map<String, String> settings;
  private final List<Integer> ports = new ArrayList<>();
  private final List<Process> lives = new ArrayList<>();
  final List<Member> members = new ArrayList<>();

  /**
   * Starts nothing.
   *
   * @param number of brokers
   * @param settings of each, beside its own
   */
  Brokers(Path folder, int number, Map<String, String> settings) throws IOException {
    this.folder = folder;
    this.settings = new HashMap<>(settings);
    String cluster = Uuid.randomUuid().toString();
    List<String> voters = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      int port = StandaloneCluster.freePort();
      int controllerPort = StandaloneCluster.freePort();
      ports.add(port);
      voters.add((i + 1) + "@localhost:" + controllerPort);
      BrokerMain.identify(folder(i), cluster, port, controllerPort);
      int node = i;
      members.add(
          new Member(
              number == 1 ? "broker" : "broker " + (i + 1), () -> start(node), Brokers::kill));
    }
    if (number > 1) {
      this.settings.putAll(
          Map.of(
              "controller.quorum.voters",
              String.join(",", voters),
              "default.replication.factor",
              "3",
              "min.insync.replicas",
              "2",
              "offsets.topic.replication.factor",
              "3",
              "transaction.state.log.replication.factor",
              "3",
              "transaction.state.log.min.isr",
              "2"));
    }
  }

  private Path folder(int node) {
    return folder.resolve("kafka-" + (node + 1));
  }

  static void kill(Process process) {
    process.destroyForcibly();
    process.onExit().join();
  }

  private Process start(int node) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx384m",
                "-XX:TieredStopAtLevel=1",
                "-Dlog4j2.configurationFile=log4j2.properties",
                "-cp",
                System.getProperty("java.class.path"),
                BrokerMain.class.getName(),
                folder(node).toString()));
    settings.forEach((key, value) -> command.add(key + "=" + value));
    if (ports.size() > 1) {
      command.add(BrokerMain.NODE + "=" + (node + 1));
    }
    Path log = folder.resolve("broker-" + (node + 1) + ".log");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    lives.add(process);
    return process;
  }

  /** Addresses of all of them, the same in each of their lives. */
  String bootstrap() {
    return ports.stream().map(port -> "localhost:" + port).collect(Collectors.joining(","));
  }

  /** The folders of what the partitions hold, one of each broker. */
  List<Path> logs() {
    List<Path> logs = new ArrayList<>();
    for (int i = 0; i < ports.size(); i++) {
      logs.add(folder(i).resolve("log"));
    }
    return logs;
  }

  /** Whether all of them take connections. */
  boolean up() {
    return ports.stream().allMatch(Brokers::listens);
  }

  private static boolean listens(int port) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether every replica of every topic has all that it must have. */
  boolean inSync() throws InterruptedException {
    Map<String, Object> client =
        Map.of(
            AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
            bootstrap(),
            AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
            20_000,
            AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
            10_000);
    try (Admin admin = Admin.create(client)) {
      var topics =
          admin
              .describeTopics(
                  admin
                      .listTopics(
                          new org.apache.kafka.clients.admin.ListTopicsOptions().listInternal(true))
                      .names()
                      .get())
              .allTopicNames()
              .get();
      return topics.values().stream()
          .flatMap(topic -> topic.partitions().stream())
          .allMatch(partition -> partition.isr().size() == partition.replicas().size());
    } catch (ExecutionException e) {
      // It is still coming up.
      return false;
    }
  }

  @Override
  public void close() {
    lives.forEach(Brokers::kill);
  }
}
