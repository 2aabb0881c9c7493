package io.sidstream.cli.tokens;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.client.Token;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sidstream tokens}: the token tables on a Kafka, as any downstream sees them. */
@Command(
    name = "tokens",
    mixinStandardHelpOptions = true,
    description =
        "Read the token tables from Kafka, as any downstream would, and tell the gate what to do.",
    subcommands = {
      TokensCommand.Get.class,
      TokensCommand.Tail.class,
      TokensCommand.Diff.class,
      ExportCommand.class,
      TokensCommand.Verify.class,
      VersionsCommand.class,
      TokensCommand.DeadLetters.class,
      OrphansCommand.class,
      TokensCommand.Hold.class,
      TokensCommand.Force.class,
      TokensCommand.Release.class,
      TokensCommand.Republish.class
    })
public final class TokensCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(),
        "name what to do: get, tail, diff, export, verify, versions, dead-letters, orphans, hold, force, release or republish");
  }

  /** Where the topics are. */
  static final class Where {
    @Mixin private KafkaOptions kafka;

    /** Brokers that answer. */
    String bootstrap() {
      return kafka.reach().bootstrap();
    }

    String prefix() {
      return kafka.prefix();
    }

    Properties properties() {
      return kafka.properties();
    }

    TokenLog log(String... topics) {
      return TokenLog.read(bootstrap(), prefix(), properties(), topics);
    }
  }

  /** Of a version that can be read from the log; 0 stands for the newest. */
  static Map<String, Token> table(TokenLog log, int asked) {
    int version = asked == 0 ? log.newest() : asked;
    if (version == 0) {
      throw new IllegalStateException("no version is committed yet");
    }
    VersionRecord commit = log.commits.get(version);
    if (commit == null) {
      throw new UsageException(
          "version %d is not committed; versions %d to %d are"
              .formatted(
                  version, log.commits.isEmpty() ? 0 : log.commits.firstKey(), log.newest()));
    }
    Map<String, Token> table = log.table(version);
    long sum = 0;
    for (var entry : table.entrySet()) {
      sum +=
          io.sidstream.schemas.TokenChecksum.of(
              entry.getKey(), entry.getValue().codes(), entry.getValue().suffix());
    }
    if (table.size() != commit.getItems() || sum != commit.getTableChecksum()) {
      throw new IllegalStateException(
          "version %d cannot be read from the log: %d of its %d items are left, or they have other tokens (rows of old versions are compacted away)"
              .formatted(version, table.size(), commit.getItems()));
    }
    return table;
  }

  /** {@code tokens get ITEM}. */
  @Command(
      name = "get",
      mixinStandardHelpOptions = true,
      description = "Print the newest row of an item as JSON, with its explanation.")
  static final class Get implements Callable<Integer> {
    @Mixin Where where;

    @Parameters(paramLabel = "ITEM")
    String item;

    @Override
    public Integer call() {
      TokenLog log = where.log("versions", "tokens");
      List<TokenLog.Row> rows = log.rows.get(item);
      TokenLog.Row newest = rows == null ? null : rows.get(rows.size() - 1);
      if (newest == null || newest.token() == null) {
        System.err.println(
            "sidstream: item " + item + (newest == null ? " has no token" : " was removed"));
        return 1;
      }
      System.out.println(new RowText().json(item, newest.token(), newest.value()));
      return 0;
    }
  }

  /** {@code tokens tail}. */
  @Command(
      name = "tail",
      mixinStandardHelpOptions = true,
      description =
          "Print rows, removals and version records as they are committed, as JSON lines.")
  static final class Tail implements Callable<Integer> {
    @Mixin Where where;

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

  /** {@code tokens diff V1 V2}. */
  @Command(
      name = "diff",
      mixinStandardHelpOptions = true,
      description = {
        "Print what version V2 has otherwise than V1: + new, - gone, ~ another token.",
        "Both are read from the log; versions whose rows are compacted away cannot be."
      })
  static final class Diff implements Callable<Integer> {
    @Mixin Where where;

    @Parameters(index = "0", paramLabel = "V1")
    int from;

    @Parameters(index = "1", paramLabel = "V2")
    int to;

    @Override
    public Integer call() {
      if (from < 1 || to < 1) {
        throw new UsageException("versions %d and %d: 1 or more".formatted(from, to));
      }
      TokenLog log = where.log("versions", "tokens");
      Map<String, Token> before = table(log, from);
      Map<String, Token> after = table(log, to);
      TreeSet<String> items = new TreeSet<>(before.keySet());
      items.addAll(after.keySet());
      long added = 0;
      long gone = 0;
      long moved = 0;
      for (String item : items) {
        Token was = before.get(item);
        Token is = after.get(item);
        if (was == null) {
          System.out.println("+ " + item + " " + is);
          added++;
        } else if (is == null) {
          System.out.println("- " + item + " " + was);
          gone++;
        } else if (!was.sameToken(is)) {
          System.out.println("~ " + item + " " + was + " " + is);
          moved++;
        }
      }
      System.err.printf(
          "version %d to %d: %,d new, %,d gone, %,d moved, %,d the same%n",
          from, to, added, gone, moved, before.size() - gone - moved);
      return 0;
    }
  }

  /** {@code tokens verify}. */
  @Command(
      name = "verify",
      mixinStandardHelpOptions = true,
      description = {
        "Prove from the topics alone that tokens are unique, complete, inside their codebooks and what the COMMIT records say.",
        "Exit code 1, and what is wrong, where they are not."
      })
  static final class Verify implements Callable<Integer> {
    @Mixin Where where;

    @Option(
        names = "--wait",
        defaultValue = "30",
        paramLabel = "SECONDS",
        description =
            "How long to look again where something is wrong: it may be under way (default: ${DEFAULT-VALUE}).")
    int wait;

    @Option(
        names = "--shared",
        description = "Items may share a token, as with resolve.strategy none.")
    boolean shared;

    @Override
    public Integer call() throws InterruptedException {
      if (wait < 0) {
        throw new UsageException("--wait " + wait + ": 0 or more");
      }
      TokenAudit.Report report =
          Verification.run(
              where.bootstrap(),
              where.prefix(),
              where.properties(),
              shared,
              true,
              Duration.ofSeconds(wait));
      System.out.println(report.text());
      return report.passed() ? 0 : 1;
    }
  }

  /** {@code tokens dead-letters}. */
  @Command(
      name = "dead-letters",
      mixinStandardHelpOptions = true,
      description = {
        "Print what the job could not use, as JSON lines: the rule, the reason, where the record was, its key.",
        "How many by rule goes to the error stream. docs/dead-letters.md says what each rule means."
      })
  static final class DeadLetters implements Callable<Integer> {
    @Mixin Where where;

    @Option(
        names = "--code",
        paramLabel = "RULE",
        description = "Only those of a rule, such as VECTOR_ZERO.")
    String code;

    @Option(names = "--values", description = "With key and value as base64, as they were.")
    boolean values;

    @Override
    public Integer call() {
      WireFormat wire = new WireFormat();
      Map<String, Long> counts = new TreeMap<>();
      TokenLog.read(
          where.bootstrap(),
          where.prefix(),
          where.properties(),
          Set.of("dead-letters"),
          new String[] {"dead-letters"},
          record -> {
            String place = TokenLog.place(record);
            DeadLetter letter;
            try {
              letter = wire.decode(record.value(), DeadLetter.class);
            } catch (RuntimeException e) {
              System.err.println("sidstream: " + place + " is no dead letter: " + e.getMessage());
              return;
            }
            if (code == null || code.equals(letter.getCode())) {
              counts.merge(letter.getCode(), 1L, Long::sum);
              System.out.println(RowText.write(fields(letter)));
            }
          });
      System.out.flush();
      System.err.printf(
          "%,d dead letters%s%n",
          counts.values().stream().mapToLong(Long::longValue).sum(),
          counts.isEmpty() ? "" : ": " + counts);
      return 0;
    }

    private Map<String, Object> fields(DeadLetter letter) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("code", letter.getCode());
      fields.put("reason", letter.getReason());
      fields.put("topic", letter.getTopic());
      fields.put("partition", letter.getPartition());
      fields.put("offset", letter.getOffset());
      fields.put("timestamp", letter.getTimestamp().toString());
      fields.put("rejected", letter.getTime().toString());
      fields.put("key", TokenLog.key(letter));
      fields.put("valueBytes", letter.getValueLength());
      if (values) {
        // Jackson writes bytes as base64.
        fields.put("keyBase64", letter.getKey());
        fields.put("valueBase64", letter.getValue());
      }
      return fields;
    }
  }

  /** Says something to the gate. */
  private abstract static class Say implements Callable<Integer> {
    @Mixin Where where;

    @Option(
        names = "--reason",
        defaultValue = "",
        paramLabel = "TEXT",
        description = "Why; stands in the version records that it causes.")
    String reason;

    abstract ControlAction action();

    @Override
    public Integer call() throws InterruptedException {
      String topic = where.prefix() + "control";
      Properties properties = where.properties();
      properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, where.bootstrap());
      properties.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, "30000");
      ControlMessage message =
          new ControlMessage(action(), reason, System.getProperty("user.name", ""), Instant.now());
      try (Admin admin = Admin.create(properties)) {
        // A producer would have the broker make a topic that is only misspelt.
        admin.describeTopics(List.of(topic)).allTopicNames().get();
      } catch (ExecutionException e) {
        throw new IllegalStateException(
            "topic %s on %s cannot be written: %s; the job makes it, check --bootstrap and --prefix, and whether the principal may WRITE it"
                .formatted(topic, where.bootstrap(), e.getCause().getMessage()),
            e.getCause());
      }
      try (KafkaProducer<byte[], byte[]> producer =
          new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
        producer.send(new ProducerRecord<>(topic, new WireFormat().encode(message))).get();
      } catch (ExecutionException e) {
        throw new IllegalStateException(
            "topic %s on %s cannot be written: %s"
                .formatted(topic, where.bootstrap(), e.getCause().getMessage()),
            e.getCause());
      }
      System.err.println("sent " + action() + " to " + topic);
      return 0;
    }
  }

  /** {@code tokens hold}. */
  @Command(
      name = "hold",
      mixinStandardHelpOptions = true,
      description = "Hold every candidate for a token version until 'tokens release'.")
  static final class Hold extends Say {
    @Override
    ControlAction action() {
      return ControlAction.HOLD;
    }
  }

  /** {@code tokens force}. */
  @Command(
      name = "force",
      mixinStandardHelpOptions = true,
      description =
          "Let the next candidate become a token version, whatever the gate's rules or a hold say; once.")
  static final class Force extends Say {
    @Override
    ControlAction action() {
      return ControlAction.FORCE;
    }
  }

  /** {@code tokens release}. */
  @Command(name = "release", mixinStandardHelpOptions = true, description = "End a hold.")
  static final class Release extends Say {
    @Override
    ControlAction action() {
      return ControlAction.RELEASE;
    }
  }

  /** {@code tokens republish}. */
  @Command(
      name = "republish",
      mixinStandardHelpOptions = true,
      description = {
        "Have the job write every row of the token table again, then the last COMMIT.",
        "For a topic that has lost rows, so that its versions do not verify."
      })
  static final class Republish extends Say {
    @Override
    ControlAction action() {
      return ControlAction.REPUBLISH;
    }
  }
}
