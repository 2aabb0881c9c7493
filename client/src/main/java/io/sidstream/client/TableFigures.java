package io.sidstream.client;

/**
 * What is counted of a table since it was opened. Each number is written by one thread at a time,
 * that which reads Kafka, and may be read by any.
 */
final class TableFigures {
  private final long opened = System.nanoTime();
  private volatile boolean reading = true;
  private volatile int committed;
  private volatile long rows;
  private volatile long skipped;
  private volatile long verifyFailures;
  private volatile long loadMs = -1;

  /** The COMMIT of a version was read. */
  void committed(int version) {
    committed = Math.max(committed, version);
  }

  /** A row or a removal was read. */
  void row() {
    rows++;
  }

  /** A record was passed over. */
  void skipped() {
    skipped++;
  }

  /** A version was reported that disagrees with its COMMIT record. */
  void disagreement() {
    verifyFailures++;
  }

  /** A version is served; the first tells how long it took. */
  void served() {
    if (loadMs < 0) {
      loadMs = (System.nanoTime() - opened) / 1_000_000;
    }
  }

  /** Nothing is read any more. */
  void ended() {
    reading = false;
  }

  /** Records that were passed over. */
  long skippedRecords() {
    return skipped;
  }

  /** All of it, with what is served. */
  TokenTableStats stats(TokenView view, long lag) {
    int version = view.version();
    return new TokenTableStats(
        reading,
        version,
        Math.max(0, committed - version),
        version == 0 ? -1 : Math.max(0, System.currentTimeMillis() - view.commit.time()),
        lag,
        view.size(),
        rows,
        skipped,
        verifyFailures,
        loadMs);
  }
}
