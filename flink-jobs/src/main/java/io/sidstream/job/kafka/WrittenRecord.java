package io.sidstream.job.kafka;

/** The last record that a sink was given before a checkpoint: its transaction is there if it is. */
public class WrittenRecord {
  /** The checkpoint that closed its transaction. */
  public long checkpoint;

  /** Record key. */
  public byte[] key;

  /** {@link VersionsTopic#digest} of the value. */
  public long digest;

  /** Processing time at which the sink was given it, ms since the epoch. */
  public long time;
}
