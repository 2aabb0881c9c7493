package io.sidstream.job.train;

import io.sidstream.job.embed.EmbeddedItem;
import io.sidstream.job.sequence.TrainingWindow;

/** What the trainer is told; exactly one field is set. */
public class TrainEvent {
  public EmbeddedItem item;
  public TrainingWindow window;

  /** A token version that was committed, read back from the versions topic; 0 for none. */
  public int committed;
}
