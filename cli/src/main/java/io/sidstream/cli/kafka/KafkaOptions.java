package io.sidstream.cli.kafka;

import io.sidstream.cli.UsageException;
import io.sidstream.client.BrokerProbe;
import io.sidstream.job.config.ConfigReferences;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import picocli.CommandLine.Option;

/** Which Kafka a command talks to, and how. */
public final class KafkaOptions {
  /** Short enough that a person is still there to read what is wrong. */
  private static final Duration PROBE = Duration.ofSeconds(6);

  @Option(
      names = "--bootstrap",
      defaultValue = "${env:SIDSTREAM_BOOTSTRAP}",
      paramLabel = "HOST:PORT",
      description = "Kafka brokers; the variable SIDSTREAM_BOOTSTRAP stands for it.")
  private String bootstrap;

  @Option(
      names = "--prefix",
      defaultValue = "sidstream.",
      description = "What the topics' names begin with (default: ${DEFAULT-VALUE}).")
  private String prefix;

  @Option(
      names = {"--kafka-config", "--kafka-file"},
      paramLabel = "FILE",
      description =
          "Properties of the Kafka clients, key=value a line, such as those of security. Values may be $${env:NAME} or $${file:/path:key}.")
  private Path file;

  @Option(
      names = "--kafka",
      paramLabel = "KEY=VALUE",
      description =
          "A property of the Kafka clients, such as security.protocol=SSL; wins over --kafka-config.")
  private Map<String, String> kafka = new LinkedHashMap<>();

  private Properties read;

  /** Of brokers that need no login. */
  public static KafkaOptions of(String bootstrap, String prefix) {
    KafkaOptions options = new KafkaOptions();
    options.bootstrap = bootstrap;
    options.prefix = prefix;
    return options;
  }

  /**
   * Brokers, host:port.
   *
   * @throws UsageException where they are not named
   */
  public String bootstrap() {
    if (bootstrap == null || bootstrap.isBlank()) {
      throw new UsageException(
          "name the Kafka brokers: --bootstrap HOST:PORT, or the variable SIDSTREAM_BOOTSTRAP");
    }
    return bootstrap;
  }

  /** What the topics' names begin with. */
  public String prefix() {
    return prefix;
  }

  /**
   * A copy of the clients' properties, without the brokers.
   *
   * @throws UsageException where the file cannot be read
   * @throws io.sidstream.job.config.ConfigException where a value refers to nothing
   */
  public Properties properties() {
    if (read == null) {
      read = new Properties();
      if (file != null) {
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
          read.load(reader);
        } catch (IOException | IllegalArgumentException e) {
          throw new UsageException(
              "--kafka-config %s cannot be read: %s; expected: a properties file, key=value a line"
                  .formatted(file, Files.exists(file) ? e.getMessage() : "it is not there"));
        }
      }
      read.putAll(kafka);
      // What a reference names is asked for now, so that one to nothing is said at once; the
      // clients
      // look it up themselves.
      read.forEach(
          (key, value) -> ConfigReferences.resolve(String.valueOf(key), String.valueOf(value)));
      ConfigReferences.enable(read);
    }
    Properties copy = new Properties();
    copy.putAll(read);
    return copy;
  }

  /**
   * Refuses brokers that cannot be used, within seconds.
   *
   * @return this
   * @throws IllegalStateException names host and port, what is wrong and the cure
   */
  public KafkaOptions reach() {
    reach(bootstrap(), properties());
    return this;
  }

  /**
   * Refuses brokers that cannot be used, within seconds.
   *
   * @throws IllegalStateException names host and port, what is wrong and the cure
   */
  public static void reach(String bootstrap, Properties properties) {
    BrokerProbe.Finding found = BrokerProbe.ask(bootstrap, properties, PROBE);
    if (found.state() != BrokerProbe.State.ANSWERS) {
      throw new IllegalStateException(found.message());
    }
    introduce(bootstrap, properties);
  }

  /**
   * Asks as Kafka's clients do, login included: the address that a broker has answered at may name
   * others that cannot be reached, and behind TLS it may ask for a login.
   */
  private static void introduce(String bootstrap, Properties properties) {
    Properties asking = new Properties();
    asking.putAll(properties);
    asking.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    asking.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, String.valueOf(PROBE.toMillis()));
    asking.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, String.valueOf(PROBE.toMillis()));
    try (Admin admin = Admin.create(asking)) {
      admin.describeCluster().nodes().get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "broker %s %s".formatted(bootstrap, reason(e.getCause(), asking)), e.getCause());
    } catch (KafkaException e) {
      throw new IllegalStateException("the Kafka client's properties cannot be used", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + bootstrap + " was asked", e);
    }
  }

  private static String reason(Throwable e, Properties asked) {
    if (e instanceof SslAuthenticationException) {
      return "and this client do not agree on TLS: check ssl.truststore.* (whom the client trusts) and ssl.keystore.* (who it is)";
    }
    if (e instanceof AuthenticationException) {
      return "refuses the login";
    }
    if (e instanceof TimeoutException) {
      Object protocol = asked.getOrDefault("security.protocol", "PLAINTEXT");
      return "answers, but not to a client of security.protocol=%s within %d s: %s"
          .formatted(
              protocol,
              PROBE.toSeconds(),
              "SSL".equalsIgnoreCase(String.valueOf(protocol))
                  ? "does it ask for a login (SASL_SSL), or name brokers (advertised.listeners) that cannot be reached from here?"
                  : "does it name brokers (advertised.listeners) that cannot be reached from here?");
    }
    return "does not answer as expected";
  }
}
