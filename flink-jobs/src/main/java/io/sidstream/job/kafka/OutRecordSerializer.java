package io.sidstream.job.kafka;

import java.util.List;
import java.util.Optional;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes {@link OutRecord}s to one topic; the partition follows from the key. */
final class OutRecordSerializer
    implements KafkaRecordSerializationSchema<OutRecord>, KafkaDatasetFacetProvider {
  private final String topic;

  OutRecordSerializer(String topic) {
    this.topic = topic;
  }

  /** Which topic: the sink ends the open transactions of it that an earlier run has left behind. */
  @Override
  public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
    return Optional.of(
        new DefaultKafkaDatasetFacet(DefaultKafkaDatasetIdentifier.ofTopics(List.of(topic))));
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      OutRecord r, KafkaSinkContext context, Long timestamp) {
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, r.key, r.value);
    if (r.headerNames != null) {
      for (int i = 0; i < r.headerNames.length; i++) {
        record.headers().add(r.headerNames[i], r.headerValues[i]);
      }
    }
    return record;
  }
}
