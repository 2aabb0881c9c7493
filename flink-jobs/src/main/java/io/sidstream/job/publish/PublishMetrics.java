package io.sidstream.job.publish;

/**
 * Names of the metrics of {@link PublishOperator} and {@link CommitOperator}, in the operator's own
 * scope.
 */
public final class PublishMetrics {

  /**
   * {@code <operator scope>.publish.items}: tokens in the table; only the sum over all subtasks
   * says something. After a change of parallelism a subtask goes on from whichever sums it was
   * given, not from those of its own items, and may even fall below 0.
   */
  public static final String ITEMS = "publish.items";

  /** {@code <operator scope>.publish.rows}: token rows written. */
  public static final String ROWS = "publish.rows";

  /** {@code <operator scope>.publish.tombstones}: tombstones written. */
  public static final String TOMBSTONES = "publish.tombstones";

  /**
   * {@code <operator scope>.publish.dropped-old}: answers dropped because a newer one of the item
   * was published.
   */
  public static final String DROPPED_OLD = "publish.dropped-old";

  /** {@code <operator scope>.publish.unchanged}: answers equal to the token that is published. */
  public static final String UNCHANGED = "publish.unchanged";

  /** {@code <operator scope>.publish.republished}: rows and tombstones written again on request. */
  public static final String REPUBLISHED = "publish.republished";

  /** {@code <operator scope>.commit.version}: the last version committed. */
  public static final String COMMITTED = "commit.version";

  private PublishMetrics() {}
}
