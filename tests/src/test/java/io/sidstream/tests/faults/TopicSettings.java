package io.sidstream.tests.faults;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;

/** Settings of topics that are there, as an administrator changes them. */
final class TopicSettings {
  private TopicSettings() {}

  /**
   * Changes them.
   *
   * @param settings by the topic's name without the prefix
   */
  static void apply(JobConfig config, Map<String, Map<String, String>> settings)
      throws ExecutionException, InterruptedException {
    Map<ConfigResource, Collection<AlterConfigOp>> changes = new HashMap<>();
    settings.forEach(
        (topic, values) -> {
          List<AlterConfigOp> operations = new ArrayList<>();
          values.forEach(
              (key, value) ->
                  operations.add(
                      new AlterConfigOp(new ConfigEntry(key, value), AlterConfigOp.OpType.SET)));
          changes.put(
              new ConfigResource(
                  ConfigResource.Type.TOPIC, config.get(JobOptions.TOPICS_PREFIX) + topic),
              operations);
        });
    Map<String, Object> client =
        Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, config.get(JobOptions.KAFKA_BOOTSTRAP));
    try (Admin admin = Admin.create(client)) {
      admin.incrementalAlterConfigs(changes).all().get();
    }
  }
}
