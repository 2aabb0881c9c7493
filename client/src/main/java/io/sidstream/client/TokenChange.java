package io.sidstream.client;

/** From one view of the table to another. */
public final class TokenChange {
  private final TokenView before;
  private final TokenView after;
  private long[] counts;

  /** Takes one item that differs. */
  @FunctionalInterface
  public interface Difference {
    /**
     * One item.
     *
     * @param item identifier
     * @param before its token, null where the item is new
     * @param after its token, null where the item was removed
     */
    void accept(String item, Token before, Token after);
  }

  TokenChange(TokenView before, TokenView after) {
    this.before = before;
    this.after = after;
  }

  /** What was served until now. */
  public TokenView before() {
    return before;
  }

  /** What is served from now on. */
  public TokenView after() {
    return after;
  }

  /**
   * Visits every item whose token (codes or suffix) differs, in no order. Costs little where little
   * differs.
   */
  public void forEach(Difference visitor) {
    before.difference(after, visitor);
  }

  /** Items that have a token now and had none. */
  public long added() {
    return counts()[0];
  }

  /** Items that had a token and have none now. */
  public long removed() {
    return counts()[1];
  }

  /** Items whose token is another. */
  public long moved() {
    return counts()[2];
  }

  private synchronized long[] counts() {
    if (counts == null) {
      long[] sums = new long[3];
      forEach((item, was, is) -> sums[was == null ? 0 : is == null ? 1 : 2]++);
      counts = sums;
    }
    return counts;
  }

  @Override
  public String toString() {
    return "version %d to %d: %d added, %d removed, %d moved"
        .formatted(before.version(), after.version(), added(), removed(), moved());
  }
}
