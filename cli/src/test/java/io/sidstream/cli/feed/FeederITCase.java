package io.sidstream.cli.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.Generator;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.WireFormat;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeederITCase {
  private static final DataSet DATA = Generator.generate(120, 900, 7);

  private final WireFormat wire = new WireFormat();

  @TempDir static Path folder;
  private static EmbeddedKafka kafka;

  @BeforeAll
  static void startBroker() throws Exception {
    kafka = EmbeddedKafka.start(folder);
  }

  @AfterAll
  static void stopBroker() {
    kafka.close();
  }

  @Test
  void goesOnExactlyWhereAnEarlierRunWasCutOff() throws Exception {
    JobConfig config = topics("resume.");
    // Cut off twice, at different places, then to the end.
    for (long limit : new long[] {100, 537}) {
      FlowControl flow = new FlowControl(limit - 1, 0, 1);
      Feeder cut = feeder(config, flow);
      Thread thread = new Thread(() -> runQuietly(cut));
      thread.start();
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> cut.interactionsSent() >= limit);
      flow.close();
      thread.join();
      assertThat(cut.done()).isFalse();
    }
    Feeder last = feeder(config, FlowControl.open());
    last.run();
    assertThat(last.done()).isTrue();
    assertThat(last.skipped()).isGreaterThanOrEqualTo(537);
    assertThat(last.itemsSent()).isEqualTo(120);
    assertThat(last.interactionsSent()).isEqualTo(900);

    List<String> events = new ArrayList<>();
    Map<String, Long> lastOfUser = new HashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : read(Topics.interactions(config), 900)) {
      InteractionEvent event = wire.decode(record.value(), InteractionEvent.class);
      events.add(event.getEventId());
      long number = Long.parseLong(event.getEventId().substring(1));
      Long before = lastOfUser.put(event.getUser(), number);
      assertThat(before == null || before < number).as("order of " + event.getUser()).isTrue();
    }
    assertThat(events).hasSize(900).doesNotHaveDuplicates();
    Set<String> items = new HashSet<>();
    for (ConsumerRecord<byte[], byte[]> record : read(Topics.items(config), 120)) {
      ItemEvent item = wire.decode(record.value(), ItemEvent.class);
      assertThat(items.add(item.getItem())).as(item.getItem() + " only once").isTrue();
      assertThat(item.getText()).isNotBlank();
    }
    assertThat(items).hasSize(120);
  }

  @Test
  void sendsEachItemBeforeItsFirstInteractionAndWaitsForTheTrainer() throws Exception {
    JobConfig config = topics("order.");
    FlowControl flow = new FlowControl(200, 10, 50);
    Feeder feeder = feeder(config, flow);
    Thread thread = new Thread(() -> runQuietly(feeder));
    thread.start();
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> feeder.interactionsSent() == 250);
    flow.consumed(300);
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> feeder.interactionsSent() == 350);
    assertThat(feeder.done()).isFalse();
    flow.consumed(900);
    thread.join();
    assertThat(feeder.done()).isTrue();

    Map<String, Long> itemTimes = new HashMap<>();
    read(Topics.items(config), 120)
        .forEach(
            record -> {
              ItemEvent item = wire.decode(record.value(), ItemEvent.class);
              itemTimes.put(item.getItem(), item.getTime().toEpochMilli());
            });
    for (int k = 0; k < DATA.interactions(); k++) {
      assertThat(itemTimes.get(DATA.items().get(DATA.item()[k]).id()))
          .isLessThanOrEqualTo(DATA.time()[k]);
    }
    assertThat(feeder.sendTimes()).hasSize(120);
  }

  @Test
  void createsEachTopicOnce() throws Exception {
    JobConfig config = config("twice.");
    assertThat(Topics.create(config)).hasSize(8).contains("twice.items", "twice.dead-letters");
    assertThat(Topics.create(config)).isEmpty();
  }

  @Test
  void refusesTopicsThatABrokerMadeByItself() throws Exception {
    JobConfig config = config("found.");
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrap()))) {
      NewTopic versions = new NewTopic("found.versions", 2, (short) 1);
      admin.createTopics(List.of(versions, new NewTopic("found.tokens", 1, (short) 1))).all().get();
    }
    assertThatThrownBy(() -> Topics.create(config))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("topic found.versions has 2 partitions")
        .hasMessageContaining("topic found.versions has cleanup.policy=delete")
        .hasMessageContaining("topic found.tokens has cleanup.policy=delete")
        .hasMessageContaining(
            "kafka-configs.sh --bootstrap-server " + kafka.bootstrap() + " --alter");
  }

  private static JobConfig config(String prefix) {
    return JobConfig.load(
        null, List.of("kafka.bootstrap=" + kafka.bootstrap(), "topics.prefix=" + prefix));
  }

  private static JobConfig topics(String prefix) throws InterruptedException {
    JobConfig config = config(prefix);
    Topics.create(config);
    return config;
  }

  private static Feeder feeder(JobConfig config, FlowControl flow) {
    return new Feeder(
        DATA, null, kafka.bootstrap(), Topics.items(config), Topics.interactions(config), 0, flow);
  }

  private static void runQuietly(Feeder feeder) {
    try {
      feeder.run();
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Reads a topic until there are that many records, and then a little longer, so that one too many
   * is seen.
   */
  private static List<ConsumerRecord<byte[], byte[]>> read(String topic, int count) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", kafka.bootstrap(), "auto.offset.reset", "earliest"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      consumer.assign(
          consumer.partitionsFor(topic).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
              .toList());
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
                return records.size() >= count;
              });
      consumer.poll(Duration.ofMillis(300)).forEach(records::add);
    }
    assertThat(records).hasSize(count);
    return records;
  }
}
