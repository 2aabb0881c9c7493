package io.sidstream.cli.status;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.kafka.KafkaOptions;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream status}. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description =
        "Show on one screen what a running job is worth: version, items, quality, churn, gate, lag, last error.",
    footer = {
      "",
      "Examples:",
      "  sidstream status --bootstrap localhost:9092",
      "  sidstream status --json --max-lag 10000 --max-age 15m   # for monitoring",
      "  sidstream status --watch 5 --bootstrap localhost:9092   # until Ctrl-C; 'sidstream top' is --watch 2",
      "",
      "Exit codes: 0 healthy, 1 the topics cannot be read, 2 asked for wrongly, 3 a check failed (no version yet,",
      "one under way for too long, or beyond --max-lag or --max-age)."
    })
public class StatusCommand implements Callable<Integer> {
  /** A check found something wrong. */
  static final int UNHEALTHY = 3;

  /** A day. */
  private static final int MOST_SECONDS = 86_400;

  @Spec private CommandSpec spec;
  @Mixin private KafkaOptions kafka;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Option(
      names = "--group",
      defaultValue = "sidstream",
      paramLabel = "NAME",
      description = "The job's consumer group, kafka.group (default: ${DEFAULT-VALUE}).")
  private String group;

  @Option(
      names = "--max-lag",
      paramLabel = "N",
      description = "Unhealthy where more records of an input topic are not confirmed.")
  private Long maxLag;

  @Option(
      names = "--max-age",
      paramLabel = "TIME",
      description =
          "Unhealthy where no round and no version came for so long, such as 90s, 15m, 2h.")
  private String maxAge;

  @Option(
      names = "--max-scan",
      defaultValue = "10m",
      paramLabel = "TIME",
      description =
          "Unhealthy where a version is under way for longer (default: ${DEFAULT-VALUE}).")
  private String maxScan;

  @Option(
      names = "--watch",
      arity = "0..1",
      fallbackValue = "2",
      paramLabel = "SECONDS",
      description = {
        "Read again and again, so many seconds apart (${FALLBACK-VALUE} where none are said), until Ctrl-C.",
        "On a terminal the screen is redrawn; elsewhere, and with --json, it is printed when something has changed."
      })
  private Integer watch;

  /** One look, unless {@code --watch} is given. */
  public StatusCommand() {}

  /**
   * Looks again and again.
   *
   * @param seconds between two looks, unless {@code --watch} says otherwise
   */
  StatusCommand(int seconds) {
    watch = seconds;
  }

  @Override
  public Integer call() throws Exception {
    if (watch != null && (watch < 1 || watch > MOST_SECONDS)) {
      throw new UsageException(
          "--watch %d: 1 to %d, the seconds between two looks".formatted(watch, MOST_SECONDS));
    }
    Status.Limits limits =
        new Status.Limits(
            maxLag,
            maxAge == null ? null : duration("--max-age", maxAge),
            duration("--max-scan", maxScan));
    PrintWriter out = spec.commandLine().getOut();
    if (watch != null) {
      Duration every = Duration.ofSeconds(watch);
      boolean live = !json && Boolean.getBoolean("sidstream.tty");
      return new StatusWatch(
              () -> read(limits), this::text, out, every, live, StatusWatch.Pause.ASLEEP)
          .run();
    }
    Status status = read(limits);
    out.print(text(status, Instant.now()));
    out.flush();
    return code(status);
  }

  /** The exit code of a status. */
  static int code(Status status) {
    return status.problems().isEmpty() ? 0 : UNHEALTHY;
  }

  /** What the topics say now. */
  private Status read(Status.Limits limits) throws Exception {
    kafka.reach();
    TopicState state = TopicState.read(kafka, "versions", "tokens", "items", "dead-letters");
    Instant now = Instant.now();
    Properties properties = kafka.properties();
    properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap());
    try (Admin admin = Admin.create(properties)) {
      int brokers = admin.describeCluster().nodes().get().size();
      return Status.of(state, brokers, lag(admin), limits, now);
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "brokers " + kafka.bootstrap() + " do not answer: " + e.getCause().getMessage(),
          e.getCause());
    }
  }

  /** As it was asked for: a screen, or JSON. */
  private String text(Status status, Instant now) {
    if (!json) {
      return status.screen(kafka.bootstrap(), now);
    }
    try {
      return new ObjectMapper()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .writeValueAsString(status)
          + System.lineSeparator();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the status cannot be written as JSON", e);
    }
  }

  /** Per input topic, what was written behind the job's confirmed offsets; null for unknown. */
  private Map<String, Long> lag(Admin admin) throws InterruptedException, ExecutionException {
    Map<TopicPartition, OffsetAndMetadata> confirmed = new HashMap<>();
    confirmed.putAll(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get());
    confirmed
        .keySet()
        .removeIf(
            p ->
                !p.topic().equals(kafka.prefix() + "items")
                    && !p.topic().equals(kafka.prefix() + "interactions"));
    if (confirmed.isEmpty()) {
      return null;
    }
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    confirmed.keySet().forEach(p -> latest.put(p, OffsetSpec.latest()));
    Map<String, Long> lag = new TreeMap<>();
    admin
        .listOffsets(latest)
        .all()
        .get()
        .forEach(
            (partition, end) ->
                lag.merge(
                    partition.topic(),
                    Math.max(0, end.offset() - confirmed.get(partition).offset()),
                    Long::sum));
    return lag;
  }

  private static Duration duration(String option, String text) {
    var parts =
        java.util.regex.Pattern.compile("(\\d{1,9})\\s*(s|m|min|h|d)").matcher(text.strip());
    if (!parts.matches()) {
      throw new UsageException(
          option + " '" + text + "': expected a time such as 90s, 15m, 2h, 1d");
    }
    long n = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "s" -> Duration.ofSeconds(n);
      case "h" -> Duration.ofHours(n);
      case "d" -> Duration.ofDays(n);
      default -> Duration.ofMinutes(n);
    };
  }
}
