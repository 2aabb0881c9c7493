package io.sidstream.tests.faults;

import io.sidstream.cli.kafka.EmbeddedKafka;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** A Kafka broker as a process of its own: its folder, its port. */
final class BrokerMain {
  private BrokerMain() {}

  /** Runs until it is killed: folder, port, and settings of the broker as {@code key=value}. */
  public static void main(String[] args) throws Exception {
    Map<String, String> settings = new HashMap<>();
    for (String setting : List.of(args).subList(2, args.length)) {
      String[] parts = setting.split("=", 2);
      settings.put(parts[0], parts[1]);
    }
    try (EmbeddedKafka kafka =
        EmbeddedKafka.start(Path.of(args[0]), Integer.parseInt(args[1]), settings)) {
      System.out.println("listens at " + kafka.bootstrap());
      new CountDownLatch(1).await();
    }
  }
}
