package io.sidstream.job.simulation;

import java.util.concurrent.ExecutionException;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.memory.MemCheckpointStreamFactory;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFinalizer;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFutures;

/**
 * State of a subtask, as of a checkpoint. It becomes bytes only where something goes on from it:
 * that is half of what a history costs.
 */
final class Snapshot {
  private static final MemCheckpointStreamFactory IN_MEMORY =
      new MemCheckpointStreamFactory(1 << 24);

  private OperatorSnapshotFutures taken;
  private OperatorSubtaskState written;

  Snapshot(AbstractStreamOperator<?> operator, long checkpoint, long time) throws Exception {
    taken =
        operator.snapshotState(
            checkpoint, time, CheckpointOptions.forCheckpointWithDefaultLocation(), IN_MEMORY);
  }

  /** As bytes; before its operator is closed, or never. */
  OperatorSubtaskState written() throws ExecutionException, InterruptedException {
    if (written == null) {
      written = OperatorSnapshotFinalizer.create(taken).getJobManagerOwnedState();
      taken = null;
    }
    return written;
  }

  /** Nothing goes on from it any more. */
  void drop() throws Exception {
    if (taken != null) {
      taken.cancel();
      taken = null;
    }
  }
}
