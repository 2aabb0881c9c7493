package io.sidstream.job.record;

import org.apache.flink.api.common.typeinfo.TypeInfo;

/** An item with its content vector, or the deletion of an item. */
public class EmbeddedItem {
  public String item;

  /** {@code [content.dim]} content vector; null for a deletion. */
  @TypeInfo(FloatsType.Factory.class)
  public float[] vector;

  public boolean deleted;

  /** Event time, ms since the epoch. */
  public long time;
}
