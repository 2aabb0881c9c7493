package io.sidstream.job.record;

/** Asks Publish to write every row again. */
public class Republish {
  /** Why, and who says so: for the log. */
  public String reason;
}
