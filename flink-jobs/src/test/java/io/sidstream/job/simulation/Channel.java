package io.sidstream.job.simulation;

import java.util.ArrayDeque;

/** What one subtask has sent to another and that has not arrived; first in, first out. */
final class Channel {
  final ArrayDeque<Object> elements = new ArrayDeque<>();
  final Node to;

  /** Input of the operator, 1 or 2. */
  final int input;

  /** Whether its barrier has come, and that of another channel not yet. */
  boolean blocked;

  /** Newest watermark. */
  long mark = Long.MIN_VALUE;

  Channel(Node to, int input) {
    this.to = to;
    this.input = input;
  }

  boolean ready() {
    return !blocked && !elements.isEmpty() && to.takesInput();
  }
}
