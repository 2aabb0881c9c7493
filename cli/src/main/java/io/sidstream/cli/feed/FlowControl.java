package io.sidstream.cli.feed;

/**
 * How far the feeder may run ahead of the trainer.
 *
 * <p>Until the first revision the stream may run on to what the bootstrap needs, and from then on
 * to what the newest revision has consumed, each plus {@code inFlight} interactions. So a replay at
 * full speed keeps the order of time between items, interactions and learning that the live stream
 * would have had.
 */
public final class FlowControl {
  private final long bootstrapInteractions;
  private final long bootstrapItems;
  private final long inFlight;
  private long consumed;
  private boolean closed;

  /**
   * A gate.
   *
   * @param bootstrapInteractions interactions that the first model needs
   * @param bootstrapItems items that the first model needs
   * @param inFlight interactions that may be under way beyond that, at least 1
   */
  public FlowControl(long bootstrapInteractions, long bootstrapItems, long inFlight) {
    if (inFlight < 1) {
      throw new IllegalArgumentException("inFlight is " + inFlight + "; at least 1 is needed");
    }
    this.bootstrapInteractions = bootstrapInteractions;
    this.bootstrapItems = bootstrapItems;
    this.inFlight = inFlight;
  }

  /** A gate that is always open. */
  public static FlowControl open() {
    return new FlowControl(Long.MAX_VALUE / 2, Long.MAX_VALUE / 2, 1);
  }

  /**
   * Says that the newest revision has consumed so many interactions in all; 0 where there is none
   * yet.
   */
  public synchronized void consumed(long interactions) {
    if (interactions > consumed) {
      consumed = interactions;
      notifyAll();
    }
  }

  /** Lets a waiting feeder go, which then stops. */
  public synchronized void close() {
    closed = true;
    notifyAll();
  }

  /**
   * Waits until another record may be sent.
   *
   * @param interactions sent so far
   * @param items sent so far
   * @return false when the gate was closed
   */
  public synchronized boolean await(long interactions, long items) throws InterruptedException {
    while (!closed && !mayGo(interactions, items)) {
      wait();
    }
    return !closed;
  }

  private boolean mayGo(long interactions, long items) {
    if (consumed > 0) {
      return interactions < consumed + inFlight;
    }
    return interactions < bootstrapInteractions + inFlight || items < bootstrapItems;
  }
}
