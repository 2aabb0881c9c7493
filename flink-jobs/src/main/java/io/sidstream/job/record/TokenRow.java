package io.sidstream.job.record;

import org.apache.flink.api.common.typeinfo.TypeInfo;

/** A row of the token table, or the removal of one. */
public class TokenRow {
  public String item;

  /** Whether the item has no token any more; then neither codes nor what is said of them. */
  public boolean removed;

  /** Token version of the row, or under which the item was deleted. */
  public int version;

  /** The first version whose COMMIT counts the record. */
  public int commit;

  /** Recommender revision in use when the version was made. */
  public long revision;

  /** {@code [levels]} codes as published. */
  public int[] codes;

  /** Number from 1 that makes the token unique, or 0 for none. */
  public int suffix;

  /** {@code [levels]} the tuple before repair. */
  public int[] nearest;

  /** {@code [levels]} distance to the chosen codeword. */
  @TypeInfo(FloatsType.Factory.class)
  public float[] distances;

  /** {@code [levels]} distance to the best other codeword minus that distance. */
  @TypeInfo(FloatsType.Factory.class)
  public float[] margins;

  /** The token that the item has in the table committed as commit - 1; null for none. */
  public Previous previous;

  /**
   * Event time of the item, ms since the epoch. Not the record's timestamp, which is the time of
   * writing: brokers roll and compact by it.
   */
  public long time;

  /** A token that a row replaces. */
  public static class Previous {
    /** Token version of the row that published it. */
    public int version;

    /** {@code [levels]} */
    public int[] codes;

    /** 0 for none. */
    public int suffix;
  }
}
