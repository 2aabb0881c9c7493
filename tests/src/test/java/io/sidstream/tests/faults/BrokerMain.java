package io.sidstream.tests.faults;

import io.sidstream.cli.kafka.EmbeddedKafka;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** A Kafka broker as a process of its own: its folder, its port. */
final class BrokerMain {
  private BrokerMain() {}

  /** Runs until it is killed. */
  public static void main(String[] args) throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.start(Path.of(args[0]), Integer.parseInt(args[1]))) {
      System.out.println("listens at " + kafka.bootstrap());
      new CountDownLatch(1).await();
    }
  }
}
