package io.sidstream.cli.train;

/**
 * The best epoch so far, for early stopping.
 *
 * @param epoch its number; -1 before the first
 * @param score its validation figure, which is 0 or more
 * @param since epochs after it
 */
record Best(int epoch, double score, int since) {
  static final Best NONE = new Best(-1, -1, 0);

  /** After one epoch more, which is the best only where it is better. */
  Best after(int number, double figure) {
    return figure > score ? new Best(number, figure, 0) : new Best(epoch, score, since + 1);
  }
}
