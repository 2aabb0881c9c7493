package io.sidstream.job.record;

/** What the merge is told; exactly one field is set. */
public class MergeInput {
  /** A piece of a shard's round. */
  public RoundPiece piece;

  /** A token version that was committed, read back from the versions topic; 0 for none. */
  public int committed;

  /** What a person says of the gate. */
  public Control control;

  /** A piece of a shard's round. */
  public static MergeInput of(RoundPiece piece) {
    MergeInput input = new MergeInput();
    input.piece = piece;
    return input;
  }

  /** All of it goes to one subtask. */
  public int key() {
    return 0;
  }
}
