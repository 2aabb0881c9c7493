package io.sidstream.job.kafka;

import io.sidstream.job.record.TrustedRecords;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Makes Kafka records of the job's records: here, and nowhere before, they become bytes. The
 * partition follows from the key.
 *
 * @param <T> what the topic's operator emits
 */
public abstract class WireSerializer<T>
    implements KafkaRecordSerializationSchema<T>, KafkaDatasetFacetProvider {
  private static final long serialVersionUID = 1L;

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
    open();
  }

  /** Before the first record is made bytes of. */
  final void open() {
    wire = new WireFormat();
  }

  /** Full name of the topic. */
  final String topic() {
    return topic;
  }

  /** Which topic: the sink ends the open transactions of it that an earlier run has left behind. */
  @Override
  public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
    return Optional.of(
        new DefaultKafkaDatasetFacet(DefaultKafkaDatasetIdentifier.ofTopics(List.of(topic))));
  }

  /** Key of the Kafka record; null for none. */
  abstract byte[] key(T record);

  /** Value of the Kafka record; null for a removal. */
  abstract SpecificRecord value(T record);

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      T record, KafkaSinkContext context, Long timestamp) {
    return new ProducerRecord<>(topic, key(record), bytes(record));
  }

  /** Value of the Kafka record, as bytes; null for a removal. */
  final byte[] bytes(T record) {
    SpecificRecord value = value(record);
    return value == null ? null : encode(value);
  }

  final byte[] encode(SpecificRecord value) {
    return wire.encode(value);
  }

  static byte[] utf8(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }
}
