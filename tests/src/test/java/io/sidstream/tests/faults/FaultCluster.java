package io.sidstream.tests.faults;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.tests.Broker;
import io.sidstream.tests.JobJar;
import io.sidstream.tests.StandaloneCluster;
import io.sidstream.tests.TinyJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * Everything that the job needs, each a process of its own on the loopback interface: ZooKeeper, a
 * Kafka broker, a JobManager with high availability and TaskManagers of one slot. The job is the
 * shaded jar, submitted by REST.
 *
 * <p>The broker keeps its folder and its port over its lives, ZooKeeper too.
 */
final class FaultCluster implements AutoCloseable {
  /** Time within which a process is up. */
  private static final Duration START = Duration.ofMinutes(10);

  private final Path folder;
  private final StandaloneCluster flink;
  private String jar;
  private String job;

  final Brokers brokers;
  final Member zooKeeper;

  /** The only one, or the first. */
  final Member broker;

  final Member jobManager;
  final List<Member> taskManagers = new ArrayList<>();

  /**
   * Starts nothing.
   *
   * @param setup number and settings of brokers
   */
  FaultCluster(Path folder, int slots, Duration heartbeatTimeout, Setup setup) throws IOException {
    this.folder = folder;
    brokers = new Brokers(folder, setup.brokers(), setup.broker());
    int zooKeeperPort = StandaloneCluster.freePort();
    flink =
        new StandaloneCluster(
            Files.createDirectories(folder.resolve("flink")),
            1,
            Map.of(
                "high-availability.type",
                "zookeeper",
                "high-availability.zookeeper.quorum",
                "127.0.0.1:" + zooKeeperPort,
                "high-availability.storageDir",
                folder.resolve("ha").toUri().toString(),
                // How long a JobManager that was killed is still held for the leader.
                "high-availability.zookeeper.client.session-timeout",
                "5 s",
                // On a busy machine ZooKeeper is a while coming up.
                "high-availability.zookeeper.client.max-retry-attempts",
                "30",
                "heartbeat.timeout",
                heartbeatTimeout.toMillis() + " ms",
                // On a busy machine what a process asks of another may take its time.
                "pekko.ask.timeout",
                "60 s",
                // The job cannot say so: only the cluster's own configuration is asked.
                "execution.checkpointing.num-retained",
                "2",
                "taskmanager.memory.process.size",
                "1400m"));
    zooKeeper = new Member("ZooKeeper", () -> flink.startZooKeeper(zooKeeperPort), flink::kill);
    broker = brokers.members.get(0);
    jobManager = new Member("JobManager", flink::startJobManager, flink::kill);
    for (int i = 0; i < slots; i++) {
      taskManagers.add(new Member("TaskManager " + i, flink::startTaskManager, flink::kill));
    }
  }

  /** Addresses of the brokers, the same in each of their lives. */
  String bootstrap() {
    return brokers.bootstrap();
  }

  /** All processes. */
  List<Member> members() {
    List<Member> all = new ArrayList<>(List.of(zooKeeper));
    all.addAll(brokers.members);
    all.addAll(flinks());
    return all;
  }

  /** The JobManager and the TaskManagers. */
  List<Member> flinks() {
    List<Member> all = new ArrayList<>(List.of(jobManager));
    all.addAll(taskManagers);
    return all;
  }

  /** Starts again what has ended by itself, as whoever runs a cluster does; how many these were. */
  int revive() throws Exception {
    int revived = 0;
    for (Member member : members()) {
      if (!member.running()) {
        member.kill();
        member.start();
        revived++;
      }
    }
    return revived;
  }

  /** Starts everything, and waits until it can take a job. */
  void start() throws Exception {
    for (Member member : members()) {
      member.start();
    }
    await("the brokers", brokers::up);
    awaitSlots();
  }

  private void awaitSlots() {
    await(
        "TaskManagers",
        () -> {
          revive();
          return flink.freeSlots() == taskManagers.size();
        });
  }

  private static void await(String what, Callable<Boolean> condition) {
    Awaitility.await(what).atMost(START).pollInterval(Duration.ofMillis(100)).until(condition);
  }

  /**
   * Submits the job.
   *
   * @param settings as of {@link TinyJob#settings}
   * @param from checkpoint to go on from; null for none
   */
  void submit(List<String> settings, Path from) throws Exception {
    List<String> arguments = new ArrayList<>();
    List<String> all = new ArrayList<>(settings);
    all.add("checkpoint.dir=" + checkpoints().toUri());
    all.forEach(set -> arguments.addAll(List.of("--set", set)));
    if (jar == null) {
      jar = flink.upload(JobJar.path());
    }
    job = flink.run(jar, arguments, from == null ? null : from.toUri().toString());
  }

  /**
   * All of Flink is gone, with what it keeps of its jobs to start them again, and a new cluster is
   * there; of the job that ran only its checkpoints are left.
   */
  void replace() throws Exception {
    for (Member member : flinksAndZooKeeper()) {
      member.kill();
    }
    Broker.delete(highAvailability());
    Broker.delete(folder.resolve("flink").resolve("zookeeper"));
    jar = null;
    for (Member member : flinksAndZooKeeper()) {
      member.start();
    }
    awaitSlots();
  }

  private List<Member> flinksAndZooKeeper() {
    List<Member> all = new ArrayList<>(List.of(zooKeeper));
    all.addAll(flinks());
    return all;
  }

  /** The job's complete checkpoints that are there, the newest first. */
  List<Path> keptCheckpoints() throws IOException {
    Function<Path, Long> number =
        path -> Long.parseLong(path.getFileName().toString().substring("chk-".length()));
    try (Stream<Path> all = Files.walk(checkpoints(), 2)) {
      return all.filter(path -> Files.exists(path.resolve("_metadata")))
          .sorted(Comparator.comparing(number).reversed())
          .toList();
    }
  }

  /** The folder of the job's checkpoints. */
  Path checkpoints() {
    return folder.resolve("checkpoints");
  }

  /** The folder of what high availability keeps beside the checkpoints. */
  Path highAvailability() {
    return folder.resolve("ha");
  }

  /** The folder in which each process of Flink's has one for its temporary files. */
  Path temporary() {
    return folder.resolve("flink").resolve("tmp");
  }

  /** What the JobManager says of the job's checkpoints. */
  JsonNode checkpointStatistics() throws IOException, InterruptedException {
    return flink.get("/jobs/" + job + "/checkpoints");
  }

  /** How often the job was started again by the JobManager that runs now. */
  int restarts() {
    // Who asks for the first time is told later: metrics are collected when they are asked for.
    return Awaitility.await("number of restarts")
        .atMost(Duration.ofMinutes(2))
        .ignoreException(IOException.class)
        .until(
            () -> {
              JsonNode metrics = flink.get("/jobs/" + job + "/metrics?get=numRestarts");
              return metrics.path(0).path("value").asInt(-1);
            },
            restarts -> restarts >= 0);
  }

  /** The newest lines of every log, for a message. */
  String logs() throws IOException {
    return flink.logs();
  }

  /** How often TaskManagers have logged something. */
  int count(String text) throws IOException {
    return Math.toIntExact(log("taskmanager").lines().filter(l -> l.contains(text)).count());
  }

  /** The whole log of processes whose names begin so. */
  String log(String name) throws IOException {
    return flink.log(name);
  }

  @Override
  public void close() {
    flink.close();
    brokers.close();
  }
}
