package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.WireFormat;
import java.time.Instant;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What the job itself writes to the control topic. */
final class OwnControl {
  private OwnControl() {}

  /**
   * Writes a message to the control topic and waits until the broker has it.
   *
   * @param key of the record, or null
   * @param reason of the message
   * @throws IllegalStateException where it cannot be written; names the topic and the broker
   */
  static void send(JobConfig config, byte[] key, ControlAction action, String reason)
      throws InterruptedException {
    Properties properties = Topics.clientProperties(config);
    properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    ControlMessage message =
        ControlMessage.newBuilder()
            .setAction(action)
            .setReason(reason)
            .setAuthor(RepublishRequests.AUTHOR)
            .setTime(Instant.now())
            .build();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer
          .send(new ProducerRecord<>(Topics.control(config), key, new WireFormat().encode(message)))
          .get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "a control message cannot be written to topic "
              + Topics.control(config)
              + " on kafka.bootstrap "
              + config.get(JobOptions.KAFKA_BOOTSTRAP)
              + ": "
              + e.getCause().getMessage(),
          e.getCause());
    }
  }
}
