package io.sidstream.cli.tokens;

import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.WireFormat;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tokens hold, force, release, republish}: what a person says to the gate. */
final class GateCommands {
  private GateCommands() {}

  /** Says something to the gate. */
  private abstract static class Say implements Callable<Integer> {
    @Mixin TokensCommand.Where where;

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
