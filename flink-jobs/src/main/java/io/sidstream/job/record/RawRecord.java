package io.sidstream.job.record;

/** A Kafka record as it was read, so that nothing is lost when it turns out to be unusable. */
public class RawRecord {
  public String topic;
  public int partition;
  public long offset;

  /** Kafka timestamp, ms since the epoch. */
  public long timestamp;

  /** Key bytes, or null. */
  public byte[] key;

  /** Value bytes, or null for a tombstone. */
  public byte[] value;
}
