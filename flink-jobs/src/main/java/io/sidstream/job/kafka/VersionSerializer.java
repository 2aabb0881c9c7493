package io.sidstream.job.kafka;

import io.sidstream.schemas.VersionRecord;
import org.apache.avro.specific.SpecificRecord;

/** The versions topic: keyed by the decimal version. */
public final class VersionSerializer extends WireSerializer<VersionRecord> {
  /** For the versions topic, by its full name. */
  public VersionSerializer(String topic) {
    super(topic);
  }

  @Override
  byte[] key(VersionRecord record) {
    return utf8(Integer.toString(record.getVersion()));
  }

  @Override
  SpecificRecord value(VersionRecord record) {
    return record;
  }
}
