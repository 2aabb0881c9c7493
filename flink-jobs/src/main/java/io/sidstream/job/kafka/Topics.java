package io.sidstream.job.kafka;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The topics of the job: names, partitions, what is kept.
 *
 * <p>Items and interactions are partitioned by {@code topics.partitions}; so are the tokens and ID
 * embeddings. Versions, models and control messages are one partition each, because their readers
 * need their order.
 */
public final class Topics {
  private static final Logger LOG = LoggerFactory.getLogger(Topics.class);

  /**
   * Largest record of the topics that others write to, and of dead letters, which repeat those
   * records.
   */
  public static final int MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

  private static final String WEEK = String.valueOf(7L * 24 * 3600 * 1000);
  private static final String HOUR = String.valueOf(3600L * 1000);

  private Topics() {}

  /** Item events, keyed by item, compacted. */
  public static String items(JobConfig config) {
    return name(config, "items");
  }

  /** Interaction events, keyed by user, kept for a week. */
  public static String interactions(JobConfig config) {
    return name(config, "interactions");
  }

  /** Token rows, keyed by item, compacted. */
  public static String tokens(JobConfig config) {
    return name(config, "tokens");
  }

  /** Version records, one partition, compacted: the newest of each state stay. */
  public static String versions(JobConfig config) {
    return name(config, "versions");
  }

  /** Control messages for the gate, one partition, kept for a week. */
  public static String control(JobConfig config) {
    return name(config, "control");
  }

  /** Pieces of the model, one partition, compacted. */
  public static String models(JobConfig config) {
    return name(config, "models");
  }

  /** ID embeddings, keyed by item, compacted. */
  public static String idEmbeddings(JobConfig config) {
    return name(config, "id-embeddings");
  }

  /** Records that could not be used, kept for a week. */
  public static String deadLetters(JobConfig config) {
    return name(config, "dead-letters");
  }

  /** All of them, as {@link #create} makes them. */
  public static List<NewTopic> all(JobConfig config) {
    int partitions = config.get(JobOptions.TOPICS_PARTITIONS);
    short replication = config.get(JobOptions.TOPICS_REPLICATION).shortValue();
    List<NewTopic> topics = new ArrayList<>();
    topics.add(topic(items(config), partitions, replication, compactedItems(), large()));
    topics.add(topic(interactions(config), partitions, replication, kept(WEEK), large()));
    topics.add(topic(tokens(config), partitions, replication, compacted(), Map.of()));
    topics.add(topic(versions(config), 1, replication, compacted(), Map.of()));
    topics.add(topic(control(config), 1, replication, kept(WEEK), Map.of()));
    topics.add(topic(models(config), 1, replication, compacted(), large()));
    topics.add(topic(idEmbeddings(config), partitions, replication, compacted(), Map.of()));
    topics.add(topic(deadLetters(config), 1, replication, kept(WEEK), large()));
    return topics;
  }

  /**
   * Creates the topics that are missing; those that exist are left as they are, if they will do.
   *
   * @return names of the topics created
   * @throws ConfigException where one that exists would lose what the job writes, or has no order,
   *     or the job lacks a right; names each such topic, its setting or right and the command that
   *     mends it
   * @throws IllegalStateException where the broker cannot be reached or refuses; names the broker
   */
  public static Set<String> create(JobConfig config) throws InterruptedException {
    String bootstrap = config.get(JobOptions.KAFKA_BOOTSTRAP);
    Set<String> created = new TreeSet<>();
    Set<String> refused = new TreeSet<>();
    try (Admin admin = admin(config, 30_000)) {
      Set<String> present = admin.listTopics().names().get();
      List<NewTopic> missing =
          all(config).stream().filter(topic -> !present.contains(topic.name())).toList();
      for (var result : admin.createTopics(missing).values().entrySet()) {
        try {
          result.getValue().get();
          created.add(result.getKey());
        } catch (ExecutionException e) {
          if (e.getCause() instanceof AuthorizationException) {
            // Or it is there, and the principal may not see it.
            refused.add(result.getKey());
            continue;
          }
          // Another process that starts at the same time may have been faster.
          if (!(e.getCause() instanceof TopicExistsException)) {
            throw e;
          }
        }
      }
      Rights.require(admin, config, refused);
      awaitLeaders(admin, all(config), bootstrap);
      // A broker that is alone, as a demo's, can do no better: that is for the log.
      boolean alone = admin.describeCluster().nodes().get().size() == 1;
      Durability.of(admin, all(config)).warnings().forEach(alone ? LOG::info : LOG::warn);
      check(
          admin,
          config,
          all(config).stream().filter(topic -> !created.contains(topic.name())).toList());
      return created;
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "topics cannot be created on kafka.bootstrap "
              + bootstrap
              + ": "
              + e.getCause().getMessage(),
          e.getCause());
    }
  }

  /**
   * How long the items topic keeps deletions, ms; -1 where the broker does not tell or the topic is
   * not compacted.
   */
  public static long deletionsKeptMs(JobConfig config) {
    ConfigResource items = new ConfigResource(ConfigResource.Type.TOPIC, items(config));
    try (Admin admin = admin(config, 10_000)) {
      Config settings = admin.describeConfigs(List.of(items)).values().get(items).get();
      String policy = settings.get(TopicConfig.CLEANUP_POLICY_CONFIG).value();
      return policy.contains(TopicConfig.CLEANUP_POLICY_COMPACT)
          ? Long.parseLong(settings.get(TopicConfig.DELETE_RETENTION_MS_CONFIG).value())
          : -1;
    } catch (ExecutionException e) {
      LOG.warn(
          "how long topic {} keeps deletions cannot be asked: {}",
          items.name(),
          e.getCause().getMessage());
      return -1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return -1;
    }
  }

  /** What any client of the job's broker needs. */
  static Properties clientProperties(JobConfig config) {
    Properties properties = config.kafkaProperties();
    properties.put(
        CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, config.get(JobOptions.KAFKA_BOOTSTRAP));
    return properties;
  }

  /** A call takes at most so long, ms, and a request half of that, unless the settings say. */
  private static Admin admin(JobConfig config, int timeoutMs) {
    Properties properties = clientProperties(config);
    properties.putIfAbsent(
        AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, String.valueOf(timeoutMs));
    properties.putIfAbsent(
        AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, String.valueOf(timeoutMs / 2));
    return Admin.create(properties);
  }

  private static void check(Admin admin, JobConfig config, List<NewTopic> existing)
      throws InterruptedException, ExecutionException {
    ExistingTopics topics = new ExistingTopics(config);
    Map<String, TopicDescription> described =
        admin.describeTopics(existing.stream().map(NewTopic::name).toList()).allTopicNames().get();
    existing.forEach(t -> topics.partitions(t, described.get(t.name()).partitions().size()));
    Map<ConfigResource, KafkaFuture<Config>> settings =
        admin.describeConfigs(existing.stream().map(Topics::resource).toList()).values();
    for (NewTopic topic : existing) {
      try {
        topics.settings(topic, settings.get(resource(topic)).get());
      } catch (ExecutionException e) {
        // Not every client may ask, nor every broker answer; the job runs without it.
        LOG.warn(
            "the settings of topic {} cannot be checked: {}",
            topic.name(),
            e.getCause().getMessage());
      }
    }
    topics.warnings().forEach(LOG::warn);
    if (!topics.refusals().isEmpty()) {
      throw new ConfigException(String.join("\n", topics.refusals()));
    }
  }

  private static ConfigResource resource(NewTopic topic) {
    return new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
  }

  /**
   * A broker says "created" before every partition can be read and written; the first client would
   * fail.
   */
  private static void awaitLeaders(Admin admin, List<NewTopic> topics, String bootstrap)
      throws InterruptedException, ExecutionException {
    List<String> names = topics.stream().map(NewTopic::name).toList();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (true) {
      try {
        Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
        admin
            .describeTopics(names)
            .allTopicNames()
            .get()
            .forEach(
                (name, topic) ->
                    topic
                        .partitions()
                        .forEach(
                            p ->
                                ends.put(
                                    new TopicPartition(name, p.partition()), OffsetSpec.latest())));
        admin.listOffsets(ends).all().get();
        return;
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof RetriableException)) {
          throw e;
        }
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException(
              "topics "
                  + names
                  + " on kafka.bootstrap "
                  + bootstrap
                  + " have no leader after 30 s: "
                  + e.getMessage(),
              e.getCause());
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
  }

  private static String name(JobConfig config, String what) {
    return config.get(JobOptions.TOPICS_PREFIX) + what;
  }

  private static NewTopic topic(
      String name,
      int partitions,
      short replication,
      Map<String, String> policy,
      Map<String, String> size) {
    Map<String, String> configs = new HashMap<>(policy);
    configs.putAll(size);
    return new NewTopic(name, Optional.of(partitions), Optional.of(replication)).configs(configs);
  }

  /**
   * A tombstone stays a day, so that a reader that starts in between sees it; rows are compacted
   * within an hour.
   */
  private static Map<String, String> compacted() {
    return Map.of(
        TopicConfig.CLEANUP_POLICY_CONFIG,
        TopicConfig.CLEANUP_POLICY_COMPACT,
        TopicConfig.MAX_COMPACTION_LAG_MS_CONFIG,
        HOUR,
        TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG,
        "0.3",
        TopicConfig.DELETE_RETENTION_MS_CONFIG,
        String.valueOf(24L * 3600 * 1000));
  }

  /** A deletion stays a week: a job that was down for so long still reads it. */
  private static Map<String, String> compactedItems() {
    Map<String, String> policy = new HashMap<>(compacted());
    policy.put(TopicConfig.DELETE_RETENTION_MS_CONFIG, WEEK);
    return policy;
  }

  private static Map<String, String> kept(String millis) {
    return Map.of(
        TopicConfig.CLEANUP_POLICY_CONFIG,
        TopicConfig.CLEANUP_POLICY_DELETE,
        TopicConfig.RETENTION_MS_CONFIG,
        millis,
        TopicConfig.RETENTION_BYTES_CONFIG,
        "-1");
  }

  private static Map<String, String> large() {
    return Map.of(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, String.valueOf(MAX_MESSAGE_BYTES));
  }
}
