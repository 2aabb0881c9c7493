package io.sidstream.job.kafka;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;

/**
 * Which topics the job has written to. A topic that was deleted and made again has the name of
 * before and none of the rows that the job's state takes for written.
 */
public final class OutputTopics {
  private OutputTopics() {}

  /** Topics that hold what the job only writes where it changes. */
  static List<String> of(JobConfig config) {
    return List.of(
        Topics.tokens(config),
        Topics.versions(config),
        Topics.models(config),
        Topics.idEmbeddings(config));
  }

  /**
   * The identifiers that the broker gave the topics when they were made, by name.
   *
   * @throws IllegalStateException where the broker does not say; names it
   */
  public static Map<String, String> ids(JobConfig config) throws InterruptedException {
    String bootstrap = config.get(JobOptions.KAFKA_BOOTSTRAP);
    try (Admin admin = Admin.create(Topics.clientProperties(config))) {
      Map<String, String> ids = new TreeMap<>();
      admin
          .describeTopics(of(config))
          .allTopicNames()
          .get()
          .forEach((name, topic) -> ids.put(name, topic.topicId().toString()));
      return ids;
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "the topics "
              + String.join(", ", of(config))
              + " cannot be looked up on kafka.bootstrap "
              + bootstrap
              + ": "
              + e.getCause().getMessage(),
          e.getCause());
    }
  }

  /**
   * The topics that were made again since, by name.
   *
   * @param then their identifiers in the job's state
   * @param now their identifiers
   */
  public static List<String> madeAgain(Map<String, String> then, Map<String, String> now) {
    List<String> again = new ArrayList<>();
    then.forEach(
        (name, id) -> {
          // Another topics.prefix is another set of topics; a topic that is missing is made at the
          // start.
          if (now.containsKey(name) && !now.get(name).equals(id)) {
            again.add(name);
          }
        });
    return again;
  }

  /**
   * Refuses to go on with topics that were made again, unless the configuration accepts it.
   *
   * @throws ConfigException names the topics and what to do
   */
  public static void refuse(JobConfig config, List<String> madeAgain) {
    if (!madeAgain.isEmpty() && !config.get(JobOptions.TOPICS_ACCEPT_NEW)) {
      throw new ConfigException(
          "topics that the job has written to were deleted and made again, and do not hold what its state takes for written: "
              + String.join(", ", madeAgain)
              + "; to have all of it written again start once with --set "
              + JobOptions.TOPICS_ACCEPT_NEW.key()
              + "=true, or begin without state under another topics.prefix and kafka.group");
    }
  }
}
