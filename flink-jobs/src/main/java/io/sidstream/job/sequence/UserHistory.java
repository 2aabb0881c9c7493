package io.sidstream.job.sequence;

/** What is kept of a user. */
public class UserHistory {
  /** {@code [n]} newest items in event time, ties in order of arrival; oldest first. */
  public String[] items = {};

  /** {@code [n]} their event times, ms since the epoch. */
  public long[] times = {};

  /** {@code [n]} 64-bit hashes of their event identifiers. */
  public long[] ids = {};

  /**
   * {@code [m]}, m at most 200: hashes of the identifiers of the last events, in order of arrival.
   */
  public long[] recentIds = {};

  /** How many of the last items are new since the last window. */
  public int fresh;

  /** Late events put in their place since the last window. */
  public int late;

  /**
   * Events since the last window that have no place in it: weight 0, or older than a full window.
   */
  public int unplaced;

  /** When the processing-time flush is due, ms since the epoch; 0 for not at all. */
  public long flushAt;
}
