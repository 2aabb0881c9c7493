package io.sidstream.job.record;

/** A piece of what a shard's round came to, or of what the merge made of a round. */
public class RoundPiece {
  /** Number of the shard, from 0; -1 for what the merge made. */
  public int shard;

  /** Number of the round, from 1. */
  public long round;

  /** Number of the piece, from 0, and how many there are. */
  public int index;

  public int count;

  public byte[] data;
}
