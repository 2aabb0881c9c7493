package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.Properties;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;

/** Exactly-once sinks: one Kafka transaction a subtask and checkpoint. */
public final class Sinks {
  private Sinks() {}

  /**
   * A sink of one topic that opens when a run has taken the topics.
   *
   * @param serializer what makes Kafka records of it, for that topic
   * @param run identifier of the run
   */
  public static <T> Sink<T> exactlyOnce(
      JobConfig config, WireSerializer<T> serializer, String run) {
    return exactlyOnce(config, serializer, () -> RunClaims.await(config, run));
  }

  /**
   * A sink of one topic for a job that has it alone.
   *
   * @param serializer what makes Kafka records of it, for that topic
   */
  public static <T> Sink<T> exactlyOnce(JobConfig config, WireSerializer<T> serializer) {
    return exactlyOnce(config, serializer, () -> {});
  }

  private static <T> Sink<T> exactlyOnce(
      JobConfig config, WireSerializer<T> serializer, StrictSink.Leave leave) {
    Properties p = new Properties();
    // Where the configuration says nothing. Nothing is visible before the checkpoint, so that
    // batches may fill: each is compressed, sent, checked and stored by itself.
    p.setProperty("linger.ms", "50");
    p.setProperty("batch.size", Integer.toString(64 * 1024));
    p.setProperty("compression.type", "lz4");
    p.setProperty("max.request.size", Integer.toString(Topics.MAX_MESSAGE_BYTES));
    p.putAll(config.kafkaProperties());
    p.setProperty(
        "transaction.timeout.ms",
        Long.toString(config.get(JobOptions.KAFKA_TRANSACTION_TIMEOUT).toMillis()));
    String topic = serializer.topic();
    return new StrictSink<>(
        KafkaSink.<T>builder()
            .setBootstrapServers(config.get(JobOptions.KAFKA_BOOTSTRAP))
            .setKafkaProducerConfig(p)
            .setRecordSerializer(serializer)
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(config.get(JobOptions.KAFKA_GROUP) + "-" + topic)
            // Few names that are used again; the default takes a new one for every checkpoint.
            .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
            .build(),
        topic,
        leave);
  }
}
