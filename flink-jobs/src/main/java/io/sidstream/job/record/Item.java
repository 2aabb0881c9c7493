package io.sidstream.job.record;

import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * A valid item event, or a sign of life. Exactly one of vector, text, deleted and touched is set.
 */
public class Item {
  public String item;

  /** Text to embed, or null. */
  public String text;

  /** {@code [content.dim]} content vector as sent, or null. */
  @TypeInfo(FloatsType.Factory.class)
  public float[] vector;

  public boolean deleted;

  /** Somebody interacted with the item; says nothing about its content. */
  public boolean touched;

  /** Event time, ms since the epoch; the Kafka timestamp for a deletion. */
  public long time;

  /** The sign of life that an interaction is of its item. */
  public static Item touch(Interaction interaction) {
    Item touch = new Item();
    touch.item = interaction.item;
    touch.touched = true;
    touch.time = interaction.time;
    return touch;
  }
}
