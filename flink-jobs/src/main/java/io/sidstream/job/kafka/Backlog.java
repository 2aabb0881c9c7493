package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.io.Serializable;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;

/**
 * Whether a job has read what was in its input topics when it was first started.
 *
 * <p>The sources commit the offsets of a checkpoint to the consumer group when it is complete, and
 * a checkpoint is complete when its barrier has gone through every operator. So a group that stands
 * at the ends says that all before them is in the state of every operator, whatever lies between.
 */
public interface Backlog extends Serializable {
  /**
   * Where the input topics end now, as {@code topic-partition=offset}, separated by commas.
   *
   * @throws ExecutionException where the broker does not answer
   */
  String ends(JobConfig config) throws ExecutionException, InterruptedException;

  /**
   * Whether the group has come to those ends.
   *
   * @throws ExecutionException where the broker does not answer
   */
  boolean read(JobConfig config, String ends) throws ExecutionException, InterruptedException;

  /** Lets go of what it asks the broker with; who asks again has it anew. From any thread. */
  void close();

  /** Of the topics of the configuration. */
  static Backlog ofTopics() {
    return new OfTopics();
  }

  /** None: what a test without a broker has. */
  static Backlog none() {
    return new None();
  }

  /** See {@link #ofTopics}. */
  final class OfTopics implements Backlog {
    /** One for all questions: it is asked once a second, for as long as there is no model. */
    private transient Admin admin;

    private OfTopics() {}

    private synchronized Admin admin(JobConfig config) {
      if (admin == null) {
        admin = Admin.create(Topics.clientProperties(config));
      }
      return admin;
    }

    @Override
    public void close() {
      Admin open;
      synchronized (this) {
        open = admin;
        admin = null;
      }
      if (open != null) {
        // Without waiting for an answer that nobody is to hear.
        open.close(Duration.ZERO);
      }
    }

    @Override
    public String ends(JobConfig config) throws ExecutionException, InterruptedException {
      Admin admin = admin(config);
      List<String> topics = List.of(Topics.items(config), Topics.interactions(config));
      Map<TopicPartition, OffsetSpec> first = new HashMap<>();
      Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
      admin
          .describeTopics(topics)
          .allTopicNames()
          .get()
          .forEach(
              (name, topic) ->
                  topic
                      .partitions()
                      .forEach(
                          p -> {
                            first.put(
                                new TopicPartition(name, p.partition()), OffsetSpec.earliest());
                            latest.put(
                                new TopicPartition(name, p.partition()), OffsetSpec.latest());
                          }));
      ListOffsetsOptions committed = new ListOffsetsOptions(IsolationLevel.READ_COMMITTED);
      var begins = admin.listOffsets(first, committed).all().get();
      var ends = admin.listOffsets(latest, committed).all().get();
      TreeMap<String, Long> shown = new TreeMap<>();
      try (TopicTail tail = new TopicTail(config)) {
        for (TopicPartition partition : ends.keySet()) {
          long end =
              afterLast(
                  tail, partition, begins.get(partition).offset(), ends.get(partition).offset());
          if (end > 0) {
            shown.put(partition.toString(), end);
          }
        }
      }
      return shown.entrySet().stream()
          .map(e -> e.getKey() + "=" + e.getValue())
          .collect(Collectors.joining(","));
    }

    /**
     * The offset behind the last record, 0 for none: the end of a partition lies behind the markers
     * of transactions, and a source's offset behind the last record that it was given.
     */
    private static long afterLast(TopicTail tail, TopicPartition partition, long begin, long end)
        throws InterruptedException {
      long[] after = {0};
      for (long back = 1; after[0] == 0 && end - back / 10 > begin; back *= 10) {
        tail.read(
            partition,
            Math.max(begin, end - back),
            end,
            record -> after[0] = Math.max(after[0], record.offset() + 1));
      }
      return after[0];
    }

    @Override
    public boolean read(JobConfig config, String ends)
        throws ExecutionException, InterruptedException {
      if (ends.isEmpty()) {
        return true;
      }
      Map<TopicPartition, OffsetAndMetadata> at =
          admin(config)
              .listConsumerGroupOffsets(config.get(JobOptions.KAFKA_GROUP))
              .partitionsToOffsetAndMetadata()
              .get();
      Map<String, Long> offsets = new HashMap<>();
      at.forEach(
          (partition, offset) ->
              offsets.put(partition.toString(), offset == null ? 0L : offset.offset()));
      for (String end : ends.split(",")) {
        int equals = end.lastIndexOf('=');
        long wanted = Long.parseLong(end.substring(equals + 1));
        if (offsets.getOrDefault(end.substring(0, equals), 0L) < wanted) {
          return false;
        }
      }
      return true;
    }
  }

  /** See {@link #none}. */
  final class None implements Backlog {
    private None() {}

    @Override
    public void close() {}

    @Override
    public String ends(JobConfig config) {
      return "";
    }

    @Override
    public boolean read(JobConfig config, String ends) {
      return true;
    }
  }
}
