package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.schemas.VersionRecord;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The versions topic: keyed by the decimal version, with the job's name in the header {@link
 * VersionsTopic#JOB}.
 */
public final class VersionSerializer extends WireSerializer<VersionRecord> {
  private static final long serialVersionUID = 1L;

  private final byte[] job;

  /** For the versions topic of a configuration. */
  public VersionSerializer(JobConfig config) {
    super(Topics.versions(config));
    job = VersionsTopic.name(config);
  }

  @Override
  byte[] key(VersionRecord record) {
    return utf8(Integer.toString(record.getVersion()));
  }

  @Override
  SpecificRecord value(VersionRecord record) {
    return record;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      VersionRecord version, KafkaSinkContext context, Long timestamp) {
    ProducerRecord<byte[], byte[]> record = super.serialize(version, context, timestamp);
    record.headers().add(VersionsTopic.JOB, job);
    return record;
  }
}
