package io.sidstream.job.kafka;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;

/**
 * What the loss of one broker would cost. A topic with one replica is gone with it; one whose
 * {@code min.insync.replicas} is 1 may lose what was acknowledged last.
 */
final class Durability {
  private final Map<String, Integer> replicas = new TreeMap<>();
  private final Map<String, Integer> inSync = new TreeMap<>();

  /** Asks the broker; what it may not tell is not warned of. */
  static Durability of(Admin admin, List<NewTopic> topics)
      throws InterruptedException, ExecutionException {
    Durability durability = new Durability();
    List<String> names = topics.stream().map(NewTopic::name).toList();
    admin
        .describeTopics(names)
        .allTopicNames()
        .get()
        .forEach(
            (name, topic) ->
                durability.replicas(
                    name,
                    topic.partitions().stream()
                        .mapToInt(p -> p.replicas().size())
                        .min()
                        .orElse(0)));
    List<ConfigResource> resources =
        names.stream().map(n -> new ConfigResource(ConfigResource.Type.TOPIC, n)).toList();
    for (var answer : admin.describeConfigs(resources).values().entrySet()) {
      try {
        ConfigEntry entry = answer.getValue().get().get(TopicConfig.MIN_IN_SYNC_REPLICAS_CONFIG);
        if (entry != null) {
          durability.inSync(answer.getKey().name(), Integer.parseInt(entry.value()));
        }
      } catch (ExecutionException e) {
        // That the settings of a topic cannot be read is said where they are checked.
        continue;
      }
    }
    return durability;
  }

  /** The least replicas of a partition of a topic. */
  void replicas(String topic, int number) {
    replicas.put(topic, number);
  }

  /** What a topic's {@code min.insync.replicas} is. */
  void inSync(String topic, int number) {
    inSync.put(topic, number);
  }

  /** A sentence for each weakness; none where a broker may be lost. */
  List<String> warnings() {
    List<String> single = replicas.keySet().stream().filter(t -> replicas.get(t) < 2).toList();
    List<String> weak =
        replicas.keySet().stream()
            .filter(t -> replicas.get(t) > 1 && inSync.getOrDefault(t, 2) < 2)
            .toList();
    List<String> warnings = new ArrayList<>();
    if (!single.isEmpty()) {
      warnings.add(
          "topics "
              + String.join(", ", single)
              + " have one replica: what they hold is gone with its broker; on several brokers set"
              + " their default.replication.factor or topics.replication to 3 before the topics are"
              + " made (kafka-reassign-partitions.sh changes topics that are there)");
    }
    if (!weak.isEmpty()) {
      warnings.add(
          "topics "
              + String.join(", ", weak)
              + " have min.insync.replicas 1: an acknowledged record may be on one broker only;"
              + " kafka-configs.sh --alter --entity-type topics --entity-name TOPIC --add-config"
              + " min.insync.replicas=2");
    }
    return warnings;
  }
}
