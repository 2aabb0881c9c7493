package io.sidstream.job.record;

import org.apache.flink.api.common.typeinfo.TypeInfo;

/** The token that an item was given, or the removal of its token. */
public class Resolved {
  public String item;
  public boolean deleted;

  /** As in the claim. */
  public long seq;

  public int version;
  public long revision;

  /** {@code [levels]} codes as given; null on a deletion. */
  public int[] codes;

  /** Number from 1 that makes the token unique, or 0 for none. */
  public int suffix;

  /** {@code [levels]} the tuple before repair; null on a deletion. */
  public int[] nearest;

  @TypeInfo(FloatsType.Factory.class)
  public float[] distances;

  @TypeInfo(FloatsType.Factory.class)
  public float[] margins;

  /** Event time of the item, ms since the epoch. */
  public long time;

  /**
   * As the item event's Kafka record is dated, ms since the epoch; 0 where no event asked for it.
   */
  public long arrived;
}
