package io.sidstream.job.record;

/** The newest items of a user, oldest first. */
public class TrainingWindow {
  public String user;

  /** {@code [n]}, n at most 51: items in event time, ties in order of arrival. */
  public String[] items;

  /** {@code [n]} event times, ms since the epoch. */
  public long[] times;

  /** How many of the last items are new since the last window of this user, 0..n. */
  public int fresh;

  /**
   * How many accepted events this window stands for: fresh ones, late ones put in their place, and
   * those that have no place (weight 0, or older than a full window).
   */
  public int events;
}
