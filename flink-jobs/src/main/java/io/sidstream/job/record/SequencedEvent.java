package io.sidstream.job.record;

/** An accepted interaction on its way to the learner. */
public class SequencedEvent {
  public String user;
  public String item;

  /** Event time, ms since the epoch. */
  public long time;

  /** Whether it has a place in its user's sequence; one of weight 0 is counted only. */
  public boolean placed;

  /** Number of the event among those of its user, in order of arrival: the order of ties. */
  public long order;

  /** Processing time since which it waits for its item, ms; 0 for never. */
  public long waitsSince;
}
