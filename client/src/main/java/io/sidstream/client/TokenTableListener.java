package io.sidstream.client;

/**
 * Is told when a {@link TokenTable} goes from one version to another. Calls come one at a time, on
 * the thread that reads Kafka (or the one that calls {@link TokenTable#rollback()}), so a slow
 * listener delays the next version but no reader. An exception is logged and changes nothing.
 */
public interface TokenTableListener {

  /** The table still serves {@code change.before()}; it goes on when this returns. */
  default void beforeSwap(TokenChange change) {}

  /** The table serves {@code change.after()}. */
  default void afterSwap(TokenChange change) {}

  /**
   * The table serves new items of the version in use, before the next COMMIT counts them.
   *
   * @param change of equal versions before and after
   */
  default void additions(TokenChange change) {}

  /**
   * A version does not agree with its COMMIT record, or reading has ended. What was served is still
   * served.
   */
  default void failed(TokenTableException failure) {}
}
