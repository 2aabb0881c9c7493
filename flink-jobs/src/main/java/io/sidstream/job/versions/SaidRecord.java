package io.sidstream.job.versions;

/** A record of the versions topic that was said and not yet read back. */
public class SaidRecord {
  public byte[] key;
  public byte[] value;

  /** Processing time at which it was said, ms since the epoch. */
  public long time;

  /** The checkpoint that closed its transaction; 0 while that is open. */
  public long checkpoint;

  /** Processing time at which that checkpoint was complete, ms since the epoch; 0 before. */
  public long completedAt;
}
