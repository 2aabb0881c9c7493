package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.schemas.VersionRecord;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The versions topic: keyed by {@link VersionsTopic#key}, with the job's name in the header {@link
 * VersionsTopic#JOB}.
 */
public final class VersionSerializer extends WireSerializer<VersionRecord> {
  private static final long serialVersionUID = 1L;

  private final byte[] job;
  private final int kept;

  /** For the versions topic of a configuration. */
  public VersionSerializer(JobConfig config) {
    super(Topics.versions(config));
    job = VersionsTopic.name(config);
    kept = config.get(JobOptions.TOPICS_KEPT_RECORDS);
  }

  @Override
  byte[] key(VersionRecord record) {
    return utf8(VersionsTopic.key(record, kept));
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
