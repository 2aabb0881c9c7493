package io.sidstream.job.record;

/** A valid interaction event. */
public class Interaction {
  public String eventId;
  public String user;
  public String item;
  public float weight;

  /** Event time, ms since the epoch. */
  public long time;
}
