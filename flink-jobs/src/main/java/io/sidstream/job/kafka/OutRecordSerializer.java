package io.sidstream.job.kafka;

import io.sidstream.job.record.OutRecord;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes {@link OutRecord}s to one topic; the partition follows from the key. */
public final class OutRecordSerializer implements KafkaRecordSerializationSchema<OutRecord> {
  private final String topic;

  /** For a topic, by its full name. */
  public OutRecordSerializer(String topic) {
    this.topic = topic;
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
