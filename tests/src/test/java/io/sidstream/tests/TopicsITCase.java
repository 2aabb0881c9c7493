package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Topics that are missing, or are not as the job needs them, on a broker. */
class TopicsITCase {
  private Admin admin;

  @BeforeEach
  void connect() throws Exception {
    admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, Broker.bootstrap()));
  }

  @AfterEach
  void disconnect() {
    admin.close();
  }

  private Config settings(String topic) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    return admin.describeConfigs(List.of(resource)).all().get().get(resource);
  }

  @Test
  void whatIsMissingIsMadeAndWhatIsThereIsLeftAsItIs() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "missing");
    // Its owner wants more partitions, and to keep them for a day.
    NewTopic own =
        new NewTopic(Topics.interactions(config), Optional.of(5), Optional.of((short) 1))
            .configs(Map.of("retention.ms", "86400000", "max.message.bytes", "16777216"));
    admin.createTopics(List.of(own)).all().get();

    Set<String> all = Topics.all(config).stream().map(NewTopic::name).collect(Collectors.toSet());
    Set<String> created = Topics.create(config);

    assertThat(created).hasSize(all.size() - 1).doesNotContain(own.name());
    assertThat(admin.listTopics().names().get()).containsAll(all);
    for (NewTopic topic : Topics.all(config)) {
      Config has = settings(topic.name());
      Map<String, String> wanted =
          topic.name().equals(own.name()) ? own.configs() : topic.configs();
      wanted.forEach((key, value) -> assertThat(has.get(key).value()).as(key).isEqualTo(value));
    }
    assertThat(admin.describeTopics(List.of(own.name())).allTopicNames().get().get(own.name()))
        .extracting(topic -> topic.partitions().size())
        .isEqualTo(5);
    assertThat(Topics.create(config)).isEmpty();
  }

  @Test
  void whatLosesDataOrOrderIsRefusedAndNamedAllAtOnce() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "wrong");
    List<NewTopic> wrong = new ArrayList<>();
    // No order; rows that vanish; COMMITs that vanish.
    wrong.add(new NewTopic(Topics.control(config), Optional.of(3), Optional.of((short) 1)));
    wrong.add(
        new NewTopic(Topics.tokens(config), Optional.of(2), Optional.of((short) 1))
            .configs(Map.of("cleanup.policy", "delete")));
    wrong.add(
        new NewTopic(Topics.versions(config), Optional.of(1), Optional.of((short) 1))
            .configs(Map.of("cleanup.policy", "compact,delete")));
    admin.createTopics(wrong).all().get();

    assertThatThrownBy(() -> Topics.create(config))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("topic wrong.control has 3 partitions")
        .hasMessageContaining("topic wrong.tokens has cleanup.policy=delete")
        .hasMessageContaining("topic wrong.versions has cleanup.policy=compact,delete")
        .hasMessageContaining(
            "kafka-configs.sh --bootstrap-server " + Broker.bootstrap() + " --alter");
  }
}
