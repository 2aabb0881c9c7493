package io.sidstream.cli.train;

/**
 * The best epoch so far, for early stopping.
 *
 * @param epoch its number; -1 before the first
 * @param score its validation figure, which is 0 or more
 * @param since epochs after it
 */
public record BestEpoch(int epoch, double score, int since) {
  /** Before the first epoch. */
  public static final BestEpoch NONE = new BestEpoch(-1, -1, 0);

  /** After one epoch more, which is the best only where it is better. */
  public BestEpoch after(int number, double figure) {
    return figure > score
        ? new BestEpoch(number, figure, 0)
        : new BestEpoch(epoch, score, since + 1);
  }
}
