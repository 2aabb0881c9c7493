package io.sidstream.cli.tokens;

import io.sidstream.cli.UsageException;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tokens tail}. */
@Command(
    name = "tail",
    mixinStandardHelpOptions = true,
    description = "Print rows, removals and version records as they are committed, as JSON lines.")
final class TailCommand implements Callable<Integer> {
  @Mixin TokensCommand.Where where;

  @Option(names = "--from-beginning", description = "Begin with what is there.")
  boolean beginning;

  @Option(
      names = {"-n", "--lines"},
      paramLabel = "N",
      description = "End after N lines; without it, when stopped.")
  long lines = Long.MAX_VALUE;

  @Override
  public Integer call() {
    if (lines < 1) {
      throw new UsageException("--lines " + lines + ": 1 or more");
    }
    WireFormat wire = new WireFormat();
    RowText text = new RowText();
    try (KafkaConsumer<byte[], byte[]> consumer =
        TokenLog.consumer(where.bootstrap(), where.properties())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (String name : List.of("versions", "tokens")) {
        List<PartitionInfo> known = consumer.partitionsFor(where.prefix() + name);
        if (known == null || known.isEmpty()) {
          throw new IllegalStateException(
              "there is no topic %s%s on %s: check --bootstrap and --prefix, and whether the principal may READ it"
                  .formatted(where.prefix(), name, where.bootstrap()));
        }
        known.forEach(p -> partitions.add(new TopicPartition(p.topic(), p.partition())));
      }
      consumer.assign(partitions);
      if (beginning) {
        consumer.seekToBeginning(partitions);
      } else {
        consumer.seekToEnd(partitions);
      }
      long printed = 0;
      while (printed < lines) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
          if (printed < lines) {
            System.out.println(line(record, wire, text));
            printed++;
          }
        }
        System.out.flush();
      }
    }
    return 0;
  }

  private String line(ConsumerRecord<byte[], byte[]> record, WireFormat wire, RowText text) {
    String place = TokenLog.place(record);
    try {
      if (record.topic().equals(where.prefix() + "tokens")) {
        TokenLog.Row row = TokenLog.row(record, wire, place);
        String item = new String(record.key(), StandardCharsets.UTF_8);
        return row.token() == null
            ? text.removal(item, row.commit(), row.previous())
            : text.json(item, row.token(), row.value());
      }
      VersionRecord version = wire.decode(record.value(), VersionRecord.class);
      return RowText.write(VersionsCommand.fields(version));
    } catch (RuntimeException e) {
      return RowText.write(Map.of("unreadable", place, "reason", String.valueOf(e.getMessage())));
    }
  }
}
