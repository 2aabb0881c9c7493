package io.sidstream.job.ingest;

/** A valid item event. Exactly one of vector, text and deleted is set. */
public class Item {
  public String item;

  /** Text to embed, or null. */
  public String text;

  /** {@code [content.dim]} content vector as sent, or null. */
  public float[] vector;

  public boolean deleted;

  /** Event time, ms since the epoch; the Kafka timestamp for a deletion. */
  public long time;
}
