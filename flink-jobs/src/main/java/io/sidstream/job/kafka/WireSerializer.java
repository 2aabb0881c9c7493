package io.sidstream.job.kafka;

import io.sidstream.job.record.TrustedRecords;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Makes Kafka records of the job's records: here, and nowhere before, they become bytes. The
 * partition follows from the key.
 *
 * @param <T> what the topic's operator emits
 */
abstract class WireSerializer<T> implements KafkaRecordSerializationSchema<T> {
  static {
    TrustedRecords.trust();
  }

  private final String topic;
  private transient WireFormat wire;

  /** For a topic, by its full name. */
  WireSerializer(String topic) {
    this.topic = topic;
  }

  @Override
  public void open(
      SerializationSchema.InitializationContext context, KafkaSinkContext sinkContext) {
    wire = new WireFormat();
  }

  /** Key of the Kafka record; null for none. */
  abstract byte[] key(T record);

  /** Value of the Kafka record; null for a removal. */
  abstract SpecificRecord value(T record);

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      T record, KafkaSinkContext context, Long timestamp) {
    SpecificRecord value = value(record);
    return new ProducerRecord<>(topic, key(record), value == null ? null : encode(value));
  }

  final byte[] encode(SpecificRecord value) {
    return wire.encode(value);
  }

  static byte[] utf8(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }
}
