package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.Properties;
import java.util.function.Function;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;

/** Exactly-once sinks: one Kafka transaction a subtask and checkpoint. */
public final class Sinks {
  private Sinks() {}

  /**
   * A sink of one topic.
   *
   * @param topic full name of the topic
   * @param serializer what makes Kafka records of it, for that name
   */
  public static <T> KafkaSink<T> exactlyOnce(
      JobConfig config,
      String topic,
      Function<String, KafkaRecordSerializationSchema<T>> serializer) {
    Properties p = config.kafkaProperties();
    p.setProperty(
        "transaction.timeout.ms",
        Long.toString(config.get(JobOptions.KAFKA_TRANSACTION_TIMEOUT).toMillis()));
    p.setProperty("max.request.size", Integer.toString(Topics.MAX_MESSAGE_BYTES));
    p.setProperty("linger.ms", "5");
    p.setProperty("compression.type", "lz4");
    return KafkaSink.<T>builder()
        .setBootstrapServers(config.get(JobOptions.KAFKA_BOOTSTRAP))
        .setKafkaProducerConfig(p)
        .setRecordSerializer(serializer.apply(topic))
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(config.get(JobOptions.KAFKA_GROUP) + "-" + topic)
        .build();
  }
}
