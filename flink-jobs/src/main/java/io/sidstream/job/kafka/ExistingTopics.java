package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigSource;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;

/**
 * Whether topics that are there already will do. One that a broker made by itself, for whoever
 * asked first, has the broker's defaults: it may delete tokens after a week, or COMMIT records.
 *
 * <p>Refused is what loses data of the job, stops it or breaks the order that readers need. What an
 * owner may have meant is only warned of: how long the inputs are kept, a retention of version
 * records that is set on the topic itself.
 */
final class ExistingTopics {
  private final String bootstrap;

  /** The job's own, of which a reader needs the newest record of every key. */
  private final Set<String> compacted;

  /** Written without keys, which a compacted topic does not take. */
  private final Set<String> keyless;

  private final Set<String> ordered;
  private final String items;
  private final String versions;

  private final List<String> refusals = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  ExistingTopics(JobConfig config) {
    bootstrap = config.get(JobOptions.KAFKA_BOOTSTRAP);
    items = Topics.items(config);
    versions = Topics.versions(config);
    compacted = Set.of(Topics.tokens(config), Topics.models(config), Topics.idEmbeddings(config));
    keyless = Set.of(Topics.control(config), Topics.deadLetters(config));
    ordered = Set.of(versions, Topics.models(config), Topics.control(config));
  }

  /** What the job cannot run with; each names the topic, the value and a command that mends it. */
  List<String> refusals() {
    return refusals;
  }

  /** What the owner should know of; worded as refusals are. */
  List<String> warnings() {
    return warnings;
  }

  /**
   * Looks at one.
   *
   * @param wanted as the job would have made it
   * @param partitions how many it has
   */
  void partitions(NewTopic wanted, int partitions) {
    if (ordered.contains(wanted.name()) && partitions != 1) {
      refusals.add(
          "topic %s has %d partitions; its readers need the order of one. Partitions cannot be taken away: where nothing of value is in it, delete it (kafka-topics.sh --bootstrap-server %s --delete --topic %s) and start again, which makes it as it should be; else choose another topics.prefix"
              .formatted(wanted.name(), partitions, bootstrap, wanted.name()));
    }
  }

  /**
   * Looks at the settings of one.
   *
   * @param wanted as the job would have made it
   * @param has its settings, defaults of the broker among them
   */
  void settings(NewTopic wanted, Config has) {
    String topic = wanted.name();
    String policy = value(has, TopicConfig.CLEANUP_POLICY_CONFIG);
    boolean compacts = policy.contains(TopicConfig.CLEANUP_POLICY_COMPACT);
    boolean loses = policy.contains(TopicConfig.CLEANUP_POLICY_DELETE) && !keptForEver(has);
    String found =
        "topic %s has cleanup.policy=%s, retention.ms=%s and retention.bytes=%s"
            .formatted(
                topic,
                policy,
                value(has, TopicConfig.RETENTION_MS_CONFIG),
                value(has, TopicConfig.RETENTION_BYTES_CONFIG));
    if (compacted.contains(topic) || topic.equals(items)) {
      if (loses && topic.equals(items)) {
        warn(found, "a job that begins anew will not see items whose events are deleted", wanted);
      } else if (loses) {
        refuse(found, "rows that are still valid would be deleted", wanted);
      } else if (!compacts) {
        warn(found, "it keeps every row and grows for ever", wanted);
      } else if (topic.equals(items)) {
        deletions(wanted, has);
      }
    } else if (topic.equals(versions)) {
      if (!loses && !compacts) {
        warn(found, "it keeps every record, and readers read all of them", wanted);
      } else if (loses && own(has)) {
        warn(found, "a reader that is opened after the last COMMIT is gone finds no table", wanted);
      } else if (loses) {
        refuse(
            found + ", which the broker gives to topics that say nothing",
            "a reader that is opened after the last COMMIT is gone finds no table",
            wanted);
      }
    } else if (compacts) {
      if (keyless.contains(topic)) {
        refuse(found, "a compacted topic takes no records without a key, as it gets", wanted);
      } else {
        warn(
            found, "of each user only the newest event is left to a job that falls behind", wanted);
      }
    }
    String size = value(has, TopicConfig.MAX_MESSAGE_BYTES_CONFIG);
    String large = wanted.configs().get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG);
    if (large != null && !size.isEmpty() && Long.parseLong(size) < Long.parseLong(large)) {
      warn(
          "topic %s has max.message.bytes=%s".formatted(topic, size),
          "the job may write records of up to " + large + " bytes, and fails where one is refused",
          wanted);
    }
  }

  private void deletions(NewTopic wanted, Config has) {
    String kept = value(has, TopicConfig.DELETE_RETENTION_MS_CONFIG);
    String least = wanted.configs().get(TopicConfig.DELETE_RETENTION_MS_CONFIG);
    if (!kept.isEmpty() && Long.parseLong(kept) < Long.parseLong(least)) {
      warn(
          "topic %s has delete.retention.ms=%s".formatted(wanted.name(), kept),
          "a job that is down for longer never reads the deletions sent meanwhile",
          wanted);
    }
  }

  private static boolean keptForEver(Config has) {
    return value(has, TopicConfig.RETENTION_MS_CONFIG).equals("-1")
        && value(has, TopicConfig.RETENTION_BYTES_CONFIG).equals("-1");
  }

  /** Whether somebody chose the retention for this topic. */
  private static boolean own(Config has) {
    return chosen(has.get(TopicConfig.RETENTION_MS_CONFIG))
        || chosen(has.get(TopicConfig.RETENTION_BYTES_CONFIG));
  }

  private static boolean chosen(ConfigEntry entry) {
    return entry != null && entry.source() == ConfigSource.DYNAMIC_TOPIC_CONFIG;
  }

  private static String value(Config has, String name) {
    ConfigEntry entry = has.get(name);
    return entry == null || entry.value() == null ? "" : entry.value();
  }

  private void refuse(String found, String why, NewTopic wanted) {
    refusals.add(found + ": " + why + ". " + command(wanted));
  }

  private void warn(String found, String why, NewTopic wanted) {
    warnings.add(found + ": " + why + ". Where that is not meant: " + command(wanted));
  }

  private String command(NewTopic wanted) {
    return "kafka-configs.sh --bootstrap-server %s --alter --topic %s --add-config %s"
        .formatted(
            bootstrap,
            wanted.name(),
            new TreeMap<>(wanted.configs())
                .entrySet().stream()
                    .map(e -> e.getKey() + "=" + e.getValue())
                    .collect(Collectors.joining(",")));
  }
}
