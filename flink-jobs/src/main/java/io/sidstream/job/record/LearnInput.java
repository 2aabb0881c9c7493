package io.sidstream.job.record;

/** What a shard of the learner is told; exactly one of item, event and merged is set. */
public class LearnInput {
  /** Key of the shard that it is for. */
  public int shardKey;

  public EmbeddedItem item;
  public SequencedEvent event;

  /** A piece of a merged round, as it came back. */
  public RoundPiece merged;
}
