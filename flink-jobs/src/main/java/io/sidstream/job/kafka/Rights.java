package io.sidstream.job.kafka;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * The rights that the job needs on a broker that asks for them: the least, as docs/security.md
 * lists them. A client that lacks one is told so by the broker only when it first needs it, after
 * minutes, and not always of what; here each is asked for before the job starts.
 */
final class Rights {
  /** How long a broker may take to know a topic that it has just made. */
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);

  private final JobConfig config;
  private final List<String> missing = new ArrayList<>();

  private Rights(JobConfig config) {
    this.config = config;
  }

  /** Which operations the job needs on which topic. */
  static Map<String, Set<AclOperation>> ofTopics(JobConfig config) {
    Map<String, Set<AclOperation>> needed = new TreeMap<>();
    for (String topic :
        List.of(
            Topics.items(config),
            Topics.interactions(config),
            Topics.control(config),
            // What it has written, to see whether it is there.
            Topics.tokens(config),
            Topics.versions(config),
            Topics.models(config),
            Topics.idEmbeddings(config),
            Topics.deadLetters(config))) {
      needed.computeIfAbsent(topic, t -> new TreeSet<>()).add(AclOperation.READ);
    }
    for (String topic :
        List.of(
            Topics.tokens(config),
            Topics.versions(config),
            Topics.models(config),
            Topics.idEmbeddings(config),
            // To ask for what is lost to be written again.
            Topics.control(config),
            Topics.deadLetters(config))) {
      needed.computeIfAbsent(topic, t -> new TreeSet<>()).add(AclOperation.WRITE);
    }
    return needed;
  }

  /** What the job's transactional ids begin with. */
  static String transactionalIds(JobConfig config) {
    return config.get(JobOptions.KAFKA_GROUP) + "-";
  }

  /**
   * Asks for every right; the topics are there, or could not be made.
   *
   * @param refused topics that the principal was not allowed to make
   * @throws ConfigException names each right that is missing and the command that grants it
   */
  static void require(Admin admin, JobConfig config, Set<String> refused)
      throws InterruptedException, ExecutionException {
    Rights rights = new Rights(config);
    rights.topics(admin, refused);
    rights.group(admin);
    rights.transactions(admin);
    if (!rights.missing.isEmpty()) {
      throw new ConfigException(
          "the principal lacks rights on kafka.bootstrap "
              + config.get(JobOptions.KAFKA_BOOTSTRAP)
              + "; grant them (NAME is who the job logs in as):\n"
              + String.join("\n", rights.missing));
    }
  }

  private void topics(Admin admin, Set<String> refused)
      throws InterruptedException, ExecutionException {
    long deadline = System.nanoTime() + PATIENCE;
    for (var topic : ofTopics(config).entrySet()) {
      Set<AclOperation> granted = granted(admin, topic.getKey(), refused, deadline);
      for (AclOperation operation : topic.getValue()) {
        // null: the broker is too old to tell, or the topic is not there.
        if (granted != null && !granted.contains(operation)) {
          lacks(operation, "topic " + topic.getKey(), "--topic " + topic.getKey());
        }
      }
    }
  }

  /** What the principal may do with a topic; null where that is not known. */
  private Set<AclOperation> granted(Admin admin, String topic, Set<String> refused, long deadline)
      throws InterruptedException, ExecutionException {
    while (true) {
      try {
        return admin
            .describeTopics(
                List.of(topic), new DescribeTopicsOptions().includeAuthorizedOperations(true))
            .topicNameValues()
            .get(topic)
            .get()
            .authorizedOperations();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof AuthorizationException) {
          return Set.of();
        }
        boolean unknown = e.getCause() instanceof UnknownTopicOrPartitionException;
        if (unknown && refused.contains(topic)) {
          lacks(AclOperation.CREATE, "topic " + topic, "--topic " + topic);
          return null;
        }
        if (!unknown || System.nanoTime() > deadline) {
          throw e;
        }
        // Made a moment ago.
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
  }

  private void group(Admin admin) throws InterruptedException, ExecutionException {
    String group = config.get(JobOptions.KAFKA_GROUP);
    Set<AclOperation> granted;
    try {
      granted =
          admin
              .describeConsumerGroups(
                  List.of(group),
                  new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true))
              .describedGroups()
              .get(group)
              .get()
              .authorizedOperations();
    } catch (ExecutionException e) {
      // A group that nobody has committed for yet is not there: what may be done to it is not told.
      if (!(e.getCause() instanceof AuthorizationException)) {
        return;
      }
      granted = Set.of();
    }
    if (granted != null && !granted.contains(AclOperation.READ)) {
      lacks(AclOperation.READ, "group " + group, "--group " + group);
    }
  }

  private void transactions(Admin admin) throws InterruptedException {
    String prefix = transactionalIds(config);
    try {
      admin.describeTransactions(List.of(prefix)).description(prefix).get();
    } catch (ExecutionException e) {
      // Any other answer is that of one who may ask: there is no such transaction.
      if (e.getCause() instanceof AuthorizationException) {
        lacks(
            AclOperation.WRITE,
            "transactional ids that begin with " + prefix,
            "--transactional-id " + prefix + " --resource-pattern-type prefixed");
      }
    }
  }

  private void lacks(AclOperation operation, String what, String resource) {
    String name = operation.name().toLowerCase(Locale.ROOT);
    missing.add(
        "  "
            + operation
            + " on "
            + what
            + ": kafka-acls.sh --bootstrap-server "
            + config.get(JobOptions.KAFKA_BOOTSTRAP)
            + " --add --allow-principal User:NAME --operation "
            + Character.toUpperCase(name.charAt(0))
            + name.substring(1)
            + " "
            + resource);
  }
}
