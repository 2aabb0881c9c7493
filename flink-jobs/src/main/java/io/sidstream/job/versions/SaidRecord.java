package io.sidstream.job.versions;

import io.sidstream.schemas.VersionRecord;

/** A record of the versions topic that was said and not yet read back. */
public class SaidRecord {
  public VersionRecord record;

  /** Processing time at which it was said, ms since the epoch. */
  public long time;

  /** The checkpoint that closed its transaction; 0 while that is open. */
  public long checkpoint;

  /** Processing time at which that checkpoint was complete, ms since the epoch; 0 before. */
  public long completedAt;
}
