package io.sidstream.job.record;

/** A record on its way to a topic. */
public class OutRecord {
  public byte[] key;

  /** Null for a tombstone. */
  public byte[] value;

  /** Header names, or null for none. */
  public String[] headerNames;

  /** Header values, one a name. */
  public byte[][] headerValues;

  /** A record without headers. */
  public static OutRecord of(byte[] key, byte[] value) {
    OutRecord r = new OutRecord();
    r.key = key;
    r.value = value;
    return r;
  }
}
