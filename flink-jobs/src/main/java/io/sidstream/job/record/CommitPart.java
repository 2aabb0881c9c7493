package io.sidstream.job.record;

/**
 * What one Publish subtask counted for the commit of a version; fields as in VersionRecord, to be
 * added up.
 */
public class CommitPart {
  public int version;
  public int subtask;

  /**
   * Publish subtasks that write their rows again, where this says that one of them has: then
   * nothing else is set but the subtask, and as the version the number of the request. 0 in the
   * part of a version.
   */
  public int republishing;

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
