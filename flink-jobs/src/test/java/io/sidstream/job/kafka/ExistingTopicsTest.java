package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigSource;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigType;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;

class ExistingTopicsTest {
  private static final JobConfig CONFIG =
      JobConfig.load(null, List.of("kafka.bootstrap=k:9092", "topics.prefix=p."));

  /** What a broker gives to a topic that says nothing. */
  private static final Map<String, String> BROKER =
      Map.of(
          "cleanup.policy", "delete",
          "retention.ms", "604800000",
          "retention.bytes", "-1",
          "max.message.bytes", "1048588");

  private final ExistingTopics topics = new ExistingTopics(CONFIG);

  private static NewTopic wanted(String name) {
    return Topics.all(CONFIG).stream()
        .filter(t -> t.name().equals("p." + name))
        .findFirst()
        .orElseThrow();
  }

  /** The settings of a topic that says only these of its own. */
  private static Config settings(Map<String, String> own) {
    Map<String, String> all = new HashMap<>(BROKER);
    all.putAll(own);
    List<ConfigEntry> entries = new ArrayList<>();
    all.forEach(
        (name, value) ->
            entries.add(
                new ConfigEntry(
                    name,
                    value,
                    own.containsKey(name)
                        ? ConfigSource.DYNAMIC_TOPIC_CONFIG
                        : ConfigSource.DEFAULT_CONFIG,
                    false,
                    false,
                    List.of(),
                    ConfigType.STRING,
                    null)));
    return new Config(entries);
  }

  private void look(String name, String... own) {
    Map<String, String> settings = new HashMap<>();
    for (int i = 0; i < own.length; i += 2) {
      settings.put(own[i], own[i + 1]);
    }
    topics.settings(wanted(name), settings(settings));
  }

  @Test
  void whatTheJobMakesPasses() {
    for (NewTopic topic : Topics.all(CONFIG)) {
      topics.partitions(topic, topic.numPartitions());
      topics.settings(topic, settings(topic.configs()));
    }
    assertThat(topics.refusals()).isEmpty();
    assertThat(topics.warnings()).isEmpty();
  }

  @Test
  void whatABrokerMadeByItselfIsRefusedWhereItLosesWhatTheJobWrites() {
    for (NewTopic topic : Topics.all(CONFIG)) {
      topics.settings(topic, settings(Map.of()));
    }
    assertThat(topics.refusals())
        .hasSize(4)
        .contains(
            "topic p.tokens has cleanup.policy=delete, retention.ms=604800000 and retention.bytes=-1:"
                + " rows that are still valid would be deleted. kafka-configs.sh --bootstrap-server"
                + " k:9092 --alter --topic p.tokens --add-config cleanup.policy=compact,"
                + "delete.retention.ms=86400000,max.compaction.lag.ms=3600000,min.cleanable.dirty.ratio=0.3")
        .anyMatch(r -> r.startsWith("topic p.models has cleanup.policy=delete"))
        .anyMatch(r -> r.startsWith("topic p.id-embeddings has cleanup.policy=delete"))
        .anyMatch(
            r ->
                r.startsWith("topic p.versions has cleanup.policy=delete, retention.ms=604800000")
                    && r.endsWith(
                        "--add-config cleanup.policy=compact,delete.retention.ms=86400000,"
                            + "max.compaction.lag.ms=3600000,min.cleanable.dirty.ratio=0.3"));
    // The inputs are their owner's; that large records do not fit is only told.
    assertThat(topics.warnings())
        .anyMatch(w -> w.startsWith("topic p.items has cleanup.policy=delete"))
        .anyMatch(w -> w.startsWith("topic p.dead-letters has max.message.bytes=1048588"));
  }

  @Test
  void whatAnOwnerMayHaveMeantIsOnlyWarnedOf() {
    look("versions", "retention.ms", "31536000000");
    assertThat(topics.warnings()).singleElement().asString().contains("after the last COMMIT");
    look("tokens", "retention.ms", "-1");
    assertThat(topics.warnings()).last().asString().contains("grows for ever");
    look("versions", "retention.ms", "-1");
    assertThat(topics.warnings()).last().asString().contains("it keeps every record");
    look("interactions", "retention.ms", "86400000", "max.message.bytes", "16777216");
    look("control", "retention.ms", "86400000");
    look("tokens", "cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.9");
    look("tokens", "cleanup.policy", "compact,delete", "retention.ms", "-1");
    look("versions", "cleanup.policy", "compact");
    assertThat(topics.warnings()).hasSize(3);
    assertThat(topics.refusals()).isEmpty();
  }

  @Test
  void aCompactedTopicIsRefusedWhereRecordsHaveNoKeyOrAreDeletedToo() {
    look("versions", "cleanup.policy", "compact,delete");
    assertThat(topics.refusals()).last().asString().contains("after the last COMMIT is gone");
    look("control", "cleanup.policy", "compact");
    look("dead-letters", "cleanup.policy", "compact,delete");
    assertThat(topics.refusals()).hasSize(3).last().asString().contains("without a key");
    look("tokens", "cleanup.policy", "compact,delete");
    assertThat(topics.refusals()).hasSize(4).last().asString().contains("still valid");
  }

  @Test
  void topicsThatNeedAnOrderHaveOnePartition() {
    topics.partitions(wanted("tokens"), 12);
    topics.partitions(wanted("dead-letters"), 3);
    assertThat(topics.refusals()).isEmpty();
    topics.partitions(wanted("versions"), 3);
    topics.partitions(wanted("models"), 2);
    topics.partitions(wanted("control"), 2);
    assertThat(topics.refusals())
        .hasSize(3)
        .first()
        .asString()
        .contains(
            "topic p.versions has 3 partitions",
            "kafka-topics.sh --bootstrap-server k:9092 --delete --topic p.versions");
  }
}
