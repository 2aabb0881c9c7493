package io.sidstream.cli.tokens;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tokens orphans}. */
@Command(
    name = "orphans",
    mixinStandardHelpOptions = true,
    description = {
      "Print the items that have a token and are not on the items topic, one a line.",
      "A job that was down for longer than the topic keeps deletions (its delete.retention.ms) has not read them.",
      "Exit code 1 where there are some and --delete is not given."
    })
final class OrphansCommand implements Callable<Integer> {
  private static final String ITEMS = "items";

  @Mixin private TokensCommand.Where where;

  @Option(names = "--delete", description = "Send their deletion again.")
  private boolean delete;

  @Override
  public Integer call() throws InterruptedException {
    // The items last: each that has a token was there before it.
    TokenLog log = where.log("versions", "tokens");
    Set<String> there = new HashSet<>();
    TokenLog.read(
        where.bootstrap(),
        where.prefix(),
        where.properties(),
        Set.of(ITEMS),
        new String[] {ITEMS},
        record -> {
          if (record.key() == null) {
            return;
          }
          String item = new String(record.key(), StandardCharsets.UTF_8);
          if (record.value() == null) {
            there.remove(item);
          } else {
            there.add(item);
          }
        });
    List<String> orphans =
        log.rows.entrySet().stream()
            .filter(e -> e.getValue().get(e.getValue().size() - 1).token() != null)
            .map(Map.Entry::getKey)
            .filter(item -> !there.contains(item))
            .toList();
    orphans.forEach(System.out::println);
    System.out.flush();
    if (delete) {
      send(orphans);
    }
    System.err.printf(
        "%,d items with a token are not on topic %sitems%s%n",
        orphans.size(),
        where.prefix(),
        orphans.isEmpty() ? "" : delete ? "; their deletion was sent" : ": --delete removes them");
    return orphans.isEmpty() || delete ? 0 : 1;
  }

  private void send(List<String> orphans) throws InterruptedException {
    Properties properties = where.properties();
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, where.bootstrap());
    String topic = where.prefix() + ITEMS;
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (String item : orphans) {
        sent.add(
            producer.send(
                new ProducerRecord<>(topic, item.getBytes(StandardCharsets.UTF_8), null)));
      }
      for (Future<RecordMetadata> record : sent) {
        record.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "topic %s on %s cannot be written: %s"
              .formatted(topic, where.bootstrap(), e.getCause().getMessage()),
          e.getCause());
    }
  }
}
