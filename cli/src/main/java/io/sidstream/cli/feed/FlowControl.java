package io.sidstream.cli.feed;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How far the feeder may run ahead of the trainer.
 *
 * <p>Until the first revision the stream may run on to what the bootstrap needs, and from then on
 * to what the newest revision has consumed, each plus {@code inFlight} interactions. So a replay at
 * full speed keeps the order of time between items, interactions and learning that the live stream
 * would have had. What a revision lets through goes evenly, over the better part of the time that
 * the revision took: a live stream does not come in bursts of a round.
 */
public final class FlowControl {
  /** Of the time that a revision took, over which its successor's interactions go. */
  private static final double SPREAD = .7;

  /** Longest time over which they go: a revision may have waited for a restart. */
  private static final long MOST_NS = TimeUnit.SECONDS.toNanos(30);

  private static final long LOOK_MS = 10;

  private final LongSupplier clock;
  private final long bootstrapInteractions;
  private final long bootstrapItems;
  private final long inFlight;
  private long consumed;
  private long consumedBefore;
  private long consumedAt;
  private long spread;
  private boolean closed;

  /**
   * A gate.
   *
   * @param bootstrapInteractions interactions that the first model needs
   * @param bootstrapItems items that the first model needs
   * @param inFlight interactions that may be under way beyond that, at least 1
   */
  public FlowControl(long bootstrapInteractions, long bootstrapItems, long inFlight) {
    this(bootstrapInteractions, bootstrapItems, inFlight, System::nanoTime);
  }

  FlowControl(long bootstrapInteractions, long bootstrapItems, long inFlight, LongSupplier clock) {
    if (inFlight < 1) {
      throw new IllegalArgumentException("inFlight is " + inFlight + "; at least 1 is needed");
    }
    this.clock = clock;
    this.bootstrapInteractions = bootstrapInteractions;
    this.bootstrapItems = bootstrapItems;
    this.inFlight = inFlight;
  }

  /** A gate that is always open. */
  public static FlowControl open() {
    return new FlowControl(Long.MAX_VALUE / 2, Long.MAX_VALUE / 2, Long.MAX_VALUE / 4);
  }

  /**
   * Says that the newest revision has consumed so many interactions in all; 0 where there is none
   * yet.
   */
  public synchronized void consumed(long interactions) {
    if (interactions > consumed) {
      long now = clock.getAsLong();
      spread = consumed == 0 ? 0 : Math.min(MOST_NS, Math.round(SPREAD * (now - consumedAt)));
      consumedBefore = consumed == 0 ? interactions : consumed;
      consumed = interactions;
      consumedAt = now;
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
      // What goes evenly is let through by time, and nobody says so.
      wait(interactions < consumed + inFlight ? LOOK_MS : 0);
    }
    return !closed;
  }

  /** Whether another record may be sent now. */
  synchronized boolean mayGo(long interactions, long items) {
    if (consumed == 0) {
      return interactions < bootstrapInteractions + inFlight || items < bootstrapItems;
    }
    long since = clock.getAsLong() - consumedAt;
    long all = consumed - consumedBefore;
    long now = since >= spread ? all : Math.round((double) all * since / spread);
    return interactions < consumedBefore + now + inFlight;
  }
}
