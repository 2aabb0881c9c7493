package io.sidstream.job.embed;

/** When an item last showed that it lives, in processing time, ms since the epoch. */
public class LastSeen {
  /** Of the newest event or interaction, or up to items.retention / 16 before it. */
  public long time;

  /** Of the item's one timer; 0 for none, where nothing is evicted. */
  public long due;
}
