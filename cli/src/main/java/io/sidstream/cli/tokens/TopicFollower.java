package io.sidstream.cli.tokens;

import io.sidstream.client.BrokerProbe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;

/**
 * Reads topics from their beginning and goes on, on a thread of its own, until it is closed:
 * committed records only, each partition in order. Topics that are not there yet are read when they
 * are.
 */
public final class TopicFollower implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final long LOOK_NANOS = Duration.ofSeconds(5).toNanos();
  private static final Duration PROBE = Duration.ofSeconds(3);
  private static final Duration AGAIN = Duration.ofSeconds(1);

  private final String bootstrap;
  private final String prefix;
  private final Properties properties;
  private final String[] names;
  private final Consumer<ConsumerRecord<byte[], byte[]>> taker;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Thread thread;
  private final Map<TopicPartition, Long> left = new HashMap<>();
  private final Set<TopicPartition> known = new HashSet<>();
  private volatile boolean closed;
  private volatile boolean caughtUp;
  private volatile String problem = "";

  /**
   * Begins to read.
   *
   * @param prefix what the topics' names begin with
   * @param properties of the Kafka client
   * @param names without the prefix; the first one is missed aloud where it is not there
   * @param taker gets every record, on the reading thread
   */
  public TopicFollower(
      String bootstrap,
      String prefix,
      Properties properties,
      String[] names,
      Consumer<ConsumerRecord<byte[], byte[]>> taker) {
    this.bootstrap = bootstrap;
    this.prefix = prefix;
    this.properties = properties;
    this.names = names.clone();
    this.taker = taker;
    consumer = TokenLog.consumer(bootstrap, properties);
    thread = new Thread(this::run, "topic-follower");
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    try (consumer) {
      long looked = System.nanoTime() - LOOK_NANOS;
      while (!closed) {
        try {
          if (System.nanoTime() - looked >= LOOK_NANOS) {
            look();
            looked = System.nanoTime();
          }
          if (known.isEmpty()) {
            LockSupport.parkNanos(POLL.toNanos());
          } else {
            consumer.poll(POLL).forEach(taker);
            left.entrySet().removeIf(e -> consumer.position(e.getKey()) >= e.getValue());
            caughtUp |= left.isEmpty();
          }
        } catch (WakeupException | InterruptException e) {
          if (!closed) {
            throw e;
          }
        } catch (KafkaException e) {
          BrokerProbe.Finding found = BrokerProbe.ask(bootstrap, properties, PROBE);
          problem =
              found.state() == BrokerProbe.State.ANSWERS
                  ? "topics %s* on %s cannot be read: %s"
                      .formatted(prefix, bootstrap, e.getMessage())
                  : found.message();
          LockSupport.parkNanos(AGAIN.toNanos());
        }
      }
    }
  }

  /** Partitions that are new are read from their beginning. */
  private void look() {
    Map<String, List<PartitionInfo>> topics = consumer.listTopics(ANSWER);
    List<TopicPartition> fresh = new ArrayList<>();
    for (String name : names) {
      if (!topics.containsKey(prefix + name)) {
        // Not there yet, or not for this principal: asked for by name it is refused.
        consumer.partitionsFor(prefix + name, ANSWER);
      }
      for (PartitionInfo p : topics.getOrDefault(prefix + name, List.of())) {
        TopicPartition partition = new TopicPartition(p.topic(), p.partition());
        if (known.add(partition)) {
          fresh.add(partition);
        }
      }
    }
    if (!fresh.isEmpty()) {
      consumer.assign(known);
      consumer.seekToBeginning(fresh);
      left.putAll(consumer.endOffsets(fresh));
    }
    String needed = prefix + names[0];
    problem =
        topics.containsKey(needed)
            ? ""
            : "there is no topic %s on %s: check --bootstrap and --prefix, or wait for the job to make it"
                .formatted(needed, bootstrap);
  }

  /** Whether all that was there at the start has been read. */
  public boolean caughtUp() {
    return caughtUp;
  }

  /** What keeps it from reading, for people; empty for nothing. */
  public String problem() {
    return problem;
  }

  @Override
  public void close() {
    closed = true;
    consumer.wakeup();
    try {
      thread.join(ANSWER.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
