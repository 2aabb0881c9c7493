package io.sidstream.client;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What a table needs of Kafka. Tests put topics in memory in its place. */
interface Connection {
  /** The brokers that the properties name. */
  Connection BROKERS =
      new Connection() {
        @Override
        public Consumer<byte[], byte[]> reader(Properties properties) {
          return new KafkaConsumer<>(
              properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        }

        @Override
        public BrokerProbe.Finding probe(Properties properties) {
          return BrokerProbe.ask(
              properties.getProperty(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG),
              properties,
              Duration.ofSeconds(5));
        }

        @Override
        public String identity(Properties properties, List<String> topics)
            throws InterruptedException {
          try (Admin client = Admin.create(properties)) {
            StringBuilder identity = new StringBuilder(client.describeCluster().clusterId().get());
            Map<String, TopicDescription> described =
                new TreeMap<>(client.describeTopics(topics).allTopicNames().get());
            described.forEach((name, topic) -> identity.append(' ').append(topic.topicId()));
            return identity.toString();
          } catch (ExecutionException e) {
            throw new IllegalStateException(
                "the topics cannot be described: " + e.getCause().getMessage(), e.getCause());
          }
        }
      };

  /** Whether the brokers that the properties name can be used. */
  default BrokerProbe.Finding probe(Properties properties) {
    return new BrokerProbe.Finding(BrokerProbe.State.ANSWERS, "");
  }

  /** A reader without partitions; the caller closes it. */
  Consumer<byte[], byte[]> reader(Properties properties);

  /**
   * The cluster and the identities of topics, which a topic made anew has not.
   *
   * @throws IllegalStateException where they cannot be described
   */
  String identity(Properties properties, List<String> topics) throws InterruptedException;
}
