package io.sidstream.job.record;

/**
 * What one Publish subtask counted for the commit of a version; fields as in VersionRecord, to be
 * added up.
 */
public class CommitPart {
  public int version;
  public int subtask;

  /** The newest recommender revision seen: the maximum counts. */
  public long revision;

  public long items;
  public long rows;
  public long tombstones;
  public long rowsChecksum;
  public long tableChecksum;
  public long oldItems;
  public long movedItems;

  /** {@code [levels]} */
  public long[] changedCodes;

  /** {@code [levels]} */
  public long[] changedPrefixes;
}
