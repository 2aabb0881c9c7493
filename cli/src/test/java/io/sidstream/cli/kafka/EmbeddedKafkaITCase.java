package io.sidstream.cli.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedKafkaITCase {
  /**
   * What the killed process runs: a broker, a topic with ten acknowledged records, then nothing
   * until it is killed.
   */
  static final class Victim {
    public static void main(String[] args) throws Exception {
      EmbeddedKafka kafka = EmbeddedKafka.start(Path.of(args[0]));
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrap()))) {
        admin.createTopics(List.of(new NewTopic("t", 1, (short) 1))).all().get();
      }
      KafkaProducer<String, String> producer =
          new KafkaProducer<>(
              Map.of("bootstrap.servers", kafka.bootstrap(), "acks", "all"),
              new StringSerializer(),
              new StringSerializer());
      for (int i = 0; i < 10; i++) {
        producer.send(new ProducerRecord<>("t", "k" + i, "v" + i)).get();
      }
      System.out.println("written " + kafka.bootstrap());
      Thread.currentThread().join();
    }
  }

  @Test
  void namesACommaInTheFoldersName(@TempDir Path parent) {
    org.assertj.core.api.Assertions.assertThatThrownBy(
            () -> EmbeddedKafka.start(parent.resolve("a,b").resolve("kafka")))
        .isInstanceOf(io.sidstream.cli.UsageException.class)
        .hasMessageContaining("a,b")
        .hasMessageContaining("has a comma in its name");
  }

  @Test
  void keepsAddressAndRecordsThroughAKill(@TempDir Path folder) throws Exception {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Process victim =
        new ProcessBuilder(
                java.toString(),
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String address;
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(victim.getInputStream(), StandardCharsets.UTF_8))) {
      String line = out.readLine();
      assertThat(line).startsWith("written ");
      address = line.substring("written ".length());
    } finally {
      victim.destroyForcibly().waitFor();
    }

    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder)) {
      assertThat(kafka.bootstrap()).isEqualTo(address);
      Set<String> values = new TreeSet<>();
      try (KafkaConsumer<String, String> consumer =
          new KafkaConsumer<>(
              Map.of("bootstrap.servers", kafka.bootstrap(), "auto.offset.reset", "earliest"),
              new StringDeserializer(),
              new StringDeserializer())) {
        consumer.assign(List.of(new TopicPartition("t", 0)));
        Awaitility.await()
            .atMost(Duration.ofSeconds(30))
            .until(
                () -> {
                  consumer
                      .poll(Duration.ofMillis(100))
                      .forEach(record -> values.add(record.value()));
                  return values.size() == 10;
                });
      }
      assertThat(values).contains("v0", "v9");
    }
  }

  @Test
  void saysWhichPortIsTaken(@TempDir Path folder) throws IOException {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Properties identity = new Properties();
      identity.setProperty("cluster.id", "AAAAAAAAAAAAAAAAAAAAAA");
      identity.setProperty("port", String.valueOf(other.getLocalPort()));
      identity.setProperty("controller.port", "1");
      try (var out = Files.newBufferedWriter(folder.resolve("identity.properties"))) {
        identity.store(out, null);
      }
      assertThatThrownBy(() -> EmbeddedKafka.start(folder))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("port " + other.getLocalPort())
          .hasMessageContaining(folder.toString());
    }
  }
}
