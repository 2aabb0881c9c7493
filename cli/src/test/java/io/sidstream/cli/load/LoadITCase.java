package io.sidstream.cli.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.CommandRun;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadITCase {
  @TempDir Path folder;

  @Test
  void whatIsLoadedIsInTheTopicsAsTheJobWantsIt() throws Exception {
    Path items =
        Files.writeString(
            folder.resolve("items.csv"),
            "asin,title,about,at,brand\nA,Kettle,of oak,1714566600,acme\nB,,a lamp,2024-05-01,\nC,,,,\n");
    Path events =
        Files.writeString(
            folder.resolve("events.jsonl"),
            "{\"user\":\"u\",\"item\":\"A\",\"time\":1714566600000,\"kind\":\"buy\",\"weight\":2}\n");
    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"))) {
      CommandRun run =
          CommandRun.of(
              "load",
              "items",
              items,
              "--map",
              "item=asin,text=title+about,time=at",
              "--bootstrap",
              kafka.bootstrap(),
              "--prefix",
              "own.");
      assertThat(run.out()).startsWith("2 items loaded, 1 refused");
      assertThat(run.out()).contains("to own.items on " + kafka.bootstrap());
      assertThat(run.err()).contains("NO_CONTENT 1: " + items + ":4");
      assertThat(run.code()).isEqualTo(1);
      for (int twice = 0; twice < 2; twice++) {
        run =
            CommandRun.of(
                "load",
                "interactions",
                events,
                "--bootstrap",
                kafka.bootstrap(),
                "--prefix",
                "own.",
                "--rate",
                "1000");
        assertThat(run.code()).as(run.err()).isZero();
      }

      WireFormat wire = new WireFormat();
      List<ItemEvent> sent = new ArrayList<>();
      for (ConsumerRecord<byte[], byte[]> record : read(kafka.bootstrap(), "own.items", 2)) {
        ItemEvent item = wire.decode(record.value(), ItemEvent.class);
        assertThat(record.key()).isEqualTo(item.getItem().getBytes(StandardCharsets.UTF_8));
        sent.add(item);
      }
      sent.sort(java.util.Comparator.comparing(ItemEvent::getItem));
      assertThat(sent).extracting(ItemEvent::getItem).containsExactly("A", "B");
      assertThat(sent.get(0).getText()).isEqualTo("Kettle\nof oak");
      assertThat(sent.get(0).getTitle()).isEqualTo("Kettle");
      assertThat(sent.get(0).getAttributes()).isEqualTo(Map.of("brand", "acme"));
      assertThat(sent.get(0).getTime()).isEqualTo(Instant.parse("2024-05-01T12:30:00Z"));

      List<String> ids = new ArrayList<>();
      for (ConsumerRecord<byte[], byte[]> record : read(kafka.bootstrap(), "own.interactions", 2)) {
        InteractionEvent event = wire.decode(record.value(), InteractionEvent.class);
        assertThat(event.getKind()).isEqualTo("buy");
        assertThat(event.getWeight()).isEqualTo(2f);
        ids.add(event.getEventId());
      }
      assertThat(ids).as("a file loaded twice has the same events").hasSize(2);
      assertThat(ids.get(0)).isEqualTo(ids.get(1));
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> read(
      String bootstrap, String topic, int count) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", bootstrap),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (records.size() < count && System.nanoTime() < end) {
        consumer.poll(Duration.ofMillis(200)).forEach(records::add);
      }
    }
    assertThat(records).hasSize(count);
    return records;
  }
}
