package io.sidstream.job.train;

import io.sidstream.job.record.Control;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.TrainingWindow;

/** What the trainer is told; exactly one field is set. */
public class TrainEvent {
  public EmbeddedItem item;
  public TrainingWindow window;

  /** A token version that was committed, read back from the versions topic; 0 for none. */
  public int committed;

  /** What a person says of the gate. */
  public Control control;

  /** An item that came, changed or was deleted. */
  public static TrainEvent of(EmbeddedItem item) {
    TrainEvent event = new TrainEvent();
    event.item = item;
    return event;
  }

  /** New events of a user. */
  public static TrainEvent of(TrainingWindow window) {
    TrainEvent event = new TrainEvent();
    event.window = window;
    return event;
  }

  /** The shard that learns from it; there is one. */
  public int shard() {
    return 0;
  }
}
