package io.sidstream.tests;

import io.sidstream.cli.kafka.EmbeddedKafka;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * One real broker for all test classes of this JVM; tests keep apart by the prefix of their topics.
 */
public final class Broker {
  private static EmbeddedKafka kafka;

  private Broker() {}

  /** Its address, host:port; the first call starts it. */
  public static synchronized String bootstrap() throws IOException {
    if (kafka == null) {
      Path folder = Files.createTempDirectory("sidstream-tests-kafka-");
      kafka = EmbeddedKafka.start(folder);
      Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(folder), "stop-broker"));
    }
    return kafka.bootstrap();
  }

  private static void stop(Path folder) {
    kafka.close();
    delete(folder);
  }

  /** Deletes a folder and what is in it. */
  public static void delete(Path folder) {
    List<Path> all;
    try (Stream<Path> files = Files.walk(folder)) {
      all = files.sorted(Comparator.reverseOrder()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (Path file : all) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
