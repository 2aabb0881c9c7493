package io.sidstream.tests.faults;

import io.sidstream.cli.kafka.EmbeddedKafka;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.metadata.storage.Formatter;

/** A Kafka broker as a process of its own: its folder, its ports. */
final class BrokerMain {
  /** Which broker of several. */
  static final String NODE = "node.id";

  private BrokerMain() {}

  /** Runs until it is killed: folder, and settings of the broker as {@code key=value}. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Map<String, String> settings = new HashMap<>();
    for (String setting : List.of(args).subList(1, args.length)) {
      String[] parts = setting.split("=", 2);
      settings.put(parts[0], parts[1]);
    }
    if (settings.containsKey(NODE)) {
      format(folder, Integer.parseInt(settings.get(NODE)));
    }
    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder, settings)) {
      System.out.println("listens at " + kafka.bootstrap());
      new CountDownLatch(1).await();
    }
  }

  /** What is to be found in a folder: the cluster's identifier and the two ports. */
  static void identify(Path folder, String cluster, int port, int controllerPort)
      throws java.io.IOException {
    Properties identity = new Properties();
    identity.setProperty("cluster.id", cluster);
    identity.setProperty("port", String.valueOf(port));
    identity.setProperty("controller.port", String.valueOf(controllerPort));
    Files.createDirectories(folder);
    try (var out = Files.newBufferedWriter(folder.resolve("identity.properties"))) {
      identity.store(out, null);
    }
  }

  /** As a node of this number, at its first start. */
  private static void format(Path folder, int node) throws Exception {
    Path log = Files.createDirectories(folder.resolve("log"));
    if (Files.exists(log.resolve("meta.properties"))) {
      return;
    }
    Properties identity = new Properties();
    try (var in = Files.newBufferedReader(folder.resolve("identity.properties"))) {
      identity.load(in);
    }
    new Formatter()
        .setPrintStream(
            new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
        .setClusterId(identity.getProperty("cluster.id"))
        .setNodeId(node)
        .addDirectory(log.toString())
        .setMetadataLogDirectory(log.toString())
        .setControllerListenerName("CONTROLLER")
        .setIgnoreFormatted(true)
        .run();
  }
}
