package io.sidstream.cli.kafka;

import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/**
 * One real Kafka broker (KRaft, broker and controller in one) inside this process, on localhost.
 *
 * <p>Everything is in one folder: what was written, the cluster's identifier and the two ports,
 * which are chosen once, so that clients and checkpoints that know the address still find it after
 * a restart. Killed without warning it recovers its logs at the next start, as any broker does.
 */
public final class EmbeddedKafka implements AutoCloseable {
  /**
   * Larger than any record that the job may write, and than the rubbish it must survive on its
   * inputs.
   */
  public static final int MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

  private static final int NODE = 1;

  private static final Set<String> ADDED =
      Set.of("listeners", "advertised.listeners", "listener.security.protocol.map");

  private final KafkaRaftServer server;
  private final String bootstrap;

  private EmbeddedKafka(KafkaRaftServer server, String bootstrap) {
    this.server = server;
    this.bootstrap = bootstrap;
  }

  /**
   * Starts the broker and returns when it takes requests.
   *
   * @param folder where all of it lives; made if missing
   * @throws IOException where the folder cannot be used, or a port it was set up with is taken by
   *     another process
   */
  public static EmbeddedKafka start(Path folder) throws IOException {
    return start(folder, 0, Map.of());
  }

  /**
   * Starts the broker at a port of choice.
   *
   * @param wanted port for clients; 0 for a free one, or the one that the folder was set up with
   * @throws UsageException where the folder was set up with another port
   * @throws IOException where the folder cannot be used, or the port is taken by another process
   */
  public static EmbeddedKafka start(Path folder, int wanted) throws IOException {
    return start(folder, wanted, Map.of());
  }

  /**
   * As {@link #start(Path)}, with settings of the broker's own: what is given for {@code
   * listeners}, {@code advertised.listeners} and {@code listener.security.protocol.map} is added to
   * what there is, so that a second listener can ask for a login; every other setting wins.
   */
  public static EmbeddedKafka start(Path folder, Map<String, String> more) throws IOException {
    return start(folder, 0, more);
  }

  /** As {@link #start(Path, Map)}, at a port of choice as {@link #start(Path, int)}. */
  public static EmbeddedKafka start(Path folder, int wanted, Map<String, String> more)
      throws IOException {
    if (folder.toAbsolutePath().toString().indexOf(',') >= 0) {
      throw new UsageException(
          "the broker's folder "
              + folder.toAbsolutePath()
              + " has a comma in its name, where Kafka parts folders: take a folder without one");
    }
    Properties identity = identity(folder, wanted);
    int port = Integer.parseInt(identity.getProperty("port"));
    if (wanted != 0 && wanted != port) {
      throw new UsageException(
          "the broker in "
              + folder
              + " was set up with port "
              + port
              + ", not "
              + wanted
              + ": go on with that, or take another folder");
    }
    int controllerPort = Integer.parseInt(identity.getProperty("controller.port"));
    requireFree(port, folder);
    requireFree(controllerPort, folder);
    Path log = folder.resolve("log");
    if (!Files.exists(log.resolve("meta.properties"))) {
      format(log, identity.getProperty("cluster.id"));
    }
    Map<String, String> settings = settings(log, port, controllerPort);
    more.forEach(
        (key, value) ->
            settings.merge(key, value, (was, is) -> ADDED.contains(key) ? was + "," + is : is));
    KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
    server.startup();
    return new EmbeddedKafka(server, "localhost:" + port);
  }

  /** Address for clients, host:port. */
  public String bootstrap() {
    return bootstrap;
  }

  @Override
  public void close() {
    server.shutdown();
    server.awaitShutdown();
  }

  private static Properties identity(Path folder, int wanted) throws IOException {
    Files.createDirectories(folder);
    Path file = folder.resolve("identity.properties");
    Properties identity = new Properties();
    if (Files.exists(file)) {
      try (var in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
        identity.load(in);
      }
      return identity;
    }
    try (ServerSocket one = free();
        ServerSocket two = free()) {
      identity.setProperty("cluster.id", Uuid.randomUuid().toString());
      identity.setProperty("port", String.valueOf(wanted == 0 ? one.getLocalPort() : wanted));
      identity.setProperty("controller.port", String.valueOf(two.getLocalPort()));
    }
    // Written beside and moved, so that a kill in between leaves no half file.
    Path fresh = folder.resolve("identity.properties.new");
    try (var out = Files.newBufferedWriter(fresh, StandardCharsets.UTF_8)) {
      identity.store(out, null);
    }
    Files.move(
        fresh,
        file,
        java.nio.file.StandardCopyOption.ATOMIC_MOVE,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    return identity;
  }

  private static ServerSocket free() throws IOException {
    return new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
  }

  private static void requireFree(int port, Path folder) throws IOException {
    ServerSocket probe = new ServerSocket();
    try (probe) {
      // As the broker itself binds: a port whose last connections are still closing is free.
      probe.setReuseAddress(true);
      probe.bind(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1);
    } catch (IOException e) {
      throw new IOException(
          "port "
              + port
              + " of the broker in "
              + folder
              + " is taken: stop the process that uses it (another run on the same state?)",
          e);
    }
  }

  private static void format(Path log, String clusterId) throws IOException {
    Files.createDirectories(log);
    Formatter formatter =
        new Formatter()
            .setPrintStream(
                new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
            .setClusterId(clusterId)
            .setNodeId(NODE)
            .addDirectory(log.toString())
            .setMetadataLogDirectory(log.toString())
            .setControllerListenerName("CONTROLLER")
            .setIgnoreFormatted(true);
    try {
      formatter.run();
    } catch (Exception e) {
      throw new IOException(
          "the broker's folder " + log + " cannot be set up: " + e.getMessage(), e);
    }
  }

  private static Map<String, String> settings(Path log, int port, int controllerPort) {
    Map<String, Object> s = new HashMap<>();
    s.put("process.roles", "broker,controller");
    s.put("node.id", NODE);
    s.put(
        "listeners", "PLAINTEXT://localhost:" + port + ",CONTROLLER://localhost:" + controllerPort);
    s.put("advertised.listeners", "PLAINTEXT://localhost:" + port);
    s.put("controller.listener.names", "CONTROLLER");
    s.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    s.put("controller.quorum.voters", NODE + "@localhost:" + controllerPort);
    s.put("log.dirs", log.toString());
    s.put("auto.create.topics.enable", false);
    s.put("message.max.bytes", MAX_MESSAGE_BYTES);
    s.put("replica.fetch.max.bytes", MAX_MESSAGE_BYTES);
    // One node.
    s.put("offsets.topic.replication.factor", 1);
    s.put("offsets.topic.num.partitions", 4);
    s.put("transaction.state.log.replication.factor", 1);
    s.put("transaction.state.log.min.isr", 1);
    s.put("transaction.state.log.num.partitions", 4);
    s.put("share.coordinator.state.topic.replication.factor", 1);
    s.put("share.coordinator.state.topic.min.isr", 1);
    s.put("group.initial.rebalance.delay.ms", 0);
    // A run that is stopped for a while must still be able to commit what its last checkpoint
    // covers.
    s.put("transaction.max.timeout.ms", 7 * 24 * 3600 * 1000);
    // Small: a laptop's broker, not a data centre's.
    s.put("num.network.threads", 2);
    s.put("num.io.threads", 2);
    s.put("background.threads", 2);
    s.put("num.recovery.threads.per.data.dir", 2);
    s.put("log.cleaner.dedupe.buffer.size", 4 * 1024 * 1024L);
    s.put("log.cleaner.io.buffer.size", 128 * 1024);
    s.put("log.segment.bytes", 64 * 1024 * 1024);
    s.put("log.index.size.max.bytes", 1024 * 1024);
    s.put("controlled.shutdown.enable", false);
    s.put("broker.session.timeout.ms", 20_000);
    // As text: each key wants its own number type otherwise.
    Map<String, String> texts = new HashMap<>();
    s.forEach((key, value) -> texts.put(key, String.valueOf(value)));
    return texts;
  }
}
