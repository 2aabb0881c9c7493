package io.sidstream.cli.load;

import io.sidstream.cli.feed.Pace;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Sends records to a topic, each of them or an error. */
final class Sender implements AutoCloseable {
  private final String topic;
  private final String bootstrap;
  private final KafkaProducer<byte[], byte[]> producer;
  private final Pace pace;
  private final AtomicReference<Exception> failure = new AtomicReference<>();

  /**
   * Connects; makes the job's topics where the wanted one is not there yet.
   *
   * @param rate records a second, 0 for as fast as they go
   * @throws IllegalStateException where the brokers cannot be used; names them
   */
  Sender(KafkaOptions kafka, JobConfig config, String topic, double rate)
      throws InterruptedException {
    this.topic = topic;
    this.bootstrap = kafka.bootstrap();
    this.pace = new Pace(rate);
    kafka.reach();
    Properties properties = kafka.properties();
    properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    if (!exists(properties)) {
      makeTopics(kafka, config);
    }
    properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    properties.put(ProducerConfig.ACKS_CONFIG, "all");
    // Paced records must leave at once; at full speed batches fill while requests are under way.
    properties.putIfAbsent(ProducerConfig.LINGER_MS_CONFIG, rate > 0 ? "0" : "5");
    properties.putIfAbsent(
        ProducerConfig.MAX_REQUEST_SIZE_CONFIG, String.valueOf(16 * 1024 * 1024));
    properties.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, "30000");
    producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private boolean exists(Properties properties) throws InterruptedException {
    Properties admin = new Properties();
    admin.putAll(properties);
    admin.putIfAbsent(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, "8000");
    admin.putIfAbsent(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, "4000");
    try (Admin client = Admin.create(admin)) {
      Set<String> names = client.listTopics().names().get();
      return names.contains(topic);
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "brokers %s cannot be asked for their topics: %s"
              .formatted(bootstrap, e.getCause().getMessage()),
          e.getCause());
    }
  }

  private void makeTopics(KafkaOptions kafka, JobConfig config) throws InterruptedException {
    List<String> sets = new ArrayList<>();
    sets.add(JobOptions.KAFKA_BOOTSTRAP.key() + "=" + bootstrap);
    sets.add(JobOptions.TOPICS_PREFIX.key() + "=" + config.get(JobOptions.TOPICS_PREFIX));
    sets.add(JobOptions.TOPICS_PARTITIONS.key() + "=" + config.get(JobOptions.TOPICS_PARTITIONS));
    sets.add(JobOptions.TOPICS_REPLICATION.key() + "=" + config.get(JobOptions.TOPICS_REPLICATION));
    kafka.properties().forEach((key, value) -> sets.add("kafka.properties." + key + "=" + value));
    Set<String> made = Topics.create(JobConfig.load(null, sets));
    System.err.println("made the topics " + String.join(", ", made));
  }

  /**
   * Sends one, at the pace.
   *
   * @throws IllegalStateException where the brokers did not take this or an earlier one
   */
  void send(Records.Bytes record) throws InterruptedException {
    check();
    pace.await();
    producer.send(
        new ProducerRecord<>(topic, record.key(), record.value()),
        (metadata, e) -> {
          if (e != null) {
            failure.compareAndSet(null, e);
          }
        });
  }

  /** Waits until the brokers have all of them. */
  void flush() {
    producer.flush();
    check();
  }

  private void check() {
    Exception e = failure.get();
    if (e != null) {
      throw new IllegalStateException(
          "topic %s on %s does not take a record: %s".formatted(topic, bootstrap, e.getMessage()),
          e);
    }
  }

  @Override
  public void close() {
    // What was not flushed is of a run that has failed already.
    producer.close(java.time.Duration.ofSeconds(1));
  }
}
