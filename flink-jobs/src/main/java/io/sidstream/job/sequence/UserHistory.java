package io.sidstream.job.sequence;

/** What is kept of a user's events, to tell duplicates and late ones. */
public class UserHistory {
  /** {@code [n]} event times of the newest events, in order, ms since the epoch; oldest first. */
  public long[] times = {};

  /** {@code [n]} 64-bit hashes of their event identifiers. */
  public long[] ids = {};

  /**
   * {@code [m]}, m at most 200: hashes of the identifiers of the last events, in order of arrival.
   */
  public long[] recentIds = {};

  /** Events accepted so far. */
  public long accepted;
}
