package io.sidstream.job.learn;

/** What of the merge is shown, as it stood last; read by the metrics' threads. */
record MergeFigures(
    int version, int committed, long revision, long round, long held, boolean onHold) {
  static MergeFigures of(MergeProgress at) {
    return new MergeFigures(
        at.version, at.committed, at.revision, at.round, at.held, at.holdReason != null);
  }
}
