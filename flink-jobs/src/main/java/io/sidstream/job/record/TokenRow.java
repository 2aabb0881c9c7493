package io.sidstream.job.record;

/** A record of the tokens topic. */
public class TokenRow {
  /** Record key. */
  public String item;

  /** An encoded ItemToken; null for a tombstone. */
  public byte[] value;

  /** Token version of the row, or under which the item was deleted. */
  public int version;

  /** The first version whose COMMIT counts the record. */
  public int commit;

  /**
   * The encoded TokenRef of the item in the table committed as commit - 1, or null: a header of
   * tombstones.
   */
  public byte[] previous;

  /**
   * Event time of the item, ms since the epoch, as in the value. Not the record's timestamp, which
   * is the time of writing: brokers roll and compact by it.
   */
  public long time;
}
