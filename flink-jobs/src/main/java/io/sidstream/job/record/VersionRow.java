package io.sidstream.job.record;

/** A record of the versions topic. */
public class VersionRow {
  /** Record key, in decimal. */
  public int version;

  /** An encoded VersionRecord. */
  public byte[] value;
}
