package io.sidstream.job.kafka;

import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.schemas.DeadLetter;
import java.nio.ByteBuffer;
import java.time.Instant;
import org.apache.avro.specific.SpecificRecord;

/** The dead-letters topic: keyed as the record that a dead letter is about. */
public final class DeadLetterSerializer extends WireSerializer<DeadLetterRecord> {
  /** For the dead-letters topic, by its full name. */
  public DeadLetterSerializer(String topic) {
    super(topic);
  }

  @Override
  byte[] key(DeadLetterRecord letter) {
    return letter.key;
  }

  @Override
  SpecificRecord value(DeadLetterRecord letter) {
    return DeadLetter.newBuilder()
        .setTopic(letter.topic)
        .setPartition(letter.partition)
        .setOffset(letter.offset)
        .setTimestamp(Instant.ofEpochMilli(letter.timestamp))
        .setCode(letter.code)
        .setReason(letter.reason)
        .setKey(letter.key == null ? null : ByteBuffer.wrap(letter.key))
        .setValue(letter.value == null ? null : ByteBuffer.wrap(letter.value))
        .setValueLength(letter.valueLength)
        .setTime(Instant.ofEpochMilli(letter.time))
        .build();
  }
}
