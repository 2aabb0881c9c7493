package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.record.RawRecord;
import java.util.Properties;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceOptions;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;

/**
 * Sources of raw records: decoding is Ingest's work, so that a record that cannot be decoded is not
 * lost.
 */
public final class Sources {
  private Sources() {}

  /**
   * Reads a topic from its beginning, then from where the last checkpoint stood; committed records
   * only.
   */
  public static KafkaSource<RawRecord> raw(JobConfig config, String topic) {
    Properties p = config.kafkaProperties();
    p.setProperty("isolation.level", "read_committed");
    // A topic that was deleted is to fail the job, not to come back without its policies.
    p.setProperty("allow.auto.create.topics", "false");
    // GroupOffsets does.
    p.setProperty(KafkaSourceOptions.COMMIT_OFFSETS_ON_CHECKPOINT.key(), "false");
    return KafkaSource.<RawRecord>builder()
        .setBootstrapServers(config.get(JobOptions.KAFKA_BOOTSTRAP))
        .setGroupId(config.get(JobOptions.KAFKA_GROUP))
        .setProperties(p)
        .setTopics(topic)
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setDeserializer(new RawRecordDeserializer())
        .build();
  }
}
