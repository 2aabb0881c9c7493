package io.sidstream.job.tokenize;

/** Names of the metrics of {@link TokenizeOperator}, in the operator's own scope. */
public final class TokenizeMetrics {

  /**
   * {@code <operator scope>.tokenize.pending}: new or changed items that wait for their
   * micro-batch.
   */
  public static final String PENDING = "tokenize.pending";

  /**
   * {@code <operator scope>.tokenize.waiting}: items that arrived before the first model, since the
   * start.
   */
  public static final String WAITING = "tokenize.waiting";

  /** {@code <operator scope>.tokenize.encoded}: items encoded, by micro-batches and by scans. */
  public static final String ENCODED = "tokenize.encoded";

  /**
   * {@code <operator scope>.tokenize.unchanged}: item events whose vector was the one already
   * known.
   */
  public static final String UNCHANGED = "tokenize.unchanged";

  /**
   * {@code <operator scope>.tokenize.refused}: items whose vector a token version could not encode;
   * each has a dead letter.
   */
  public static final String REFUSED = "tokenize.refused";

  /** {@code <operator scope>.tokenize.claims}: claims sent for a token. */
  public static final String CLAIMS = "tokenize.claims";

  /** {@code <operator scope>.tokenize.releases}: releases sent, of moved and of deleted items. */
  public static final String RELEASES = "tokenize.releases";

  /**
   * {@code <operator scope>.tokenize.scan.items}: items that the running, or else the last, scan
   * has visited.
   */
  public static final String SCAN_ITEMS = "tokenize.scan.items";

  /**
   * {@code <operator scope>.tokenize.scan.moved}: claims that the running, or else the last, scan
   * has sent.
   */
  public static final String SCAN_MOVED = "tokenize.scan.moved";

  /**
   * {@code <operator scope>.tokenize.version}: the version with which items are encoded; 0 before
   * the first.
   */
  public static final String VERSION = "tokenize.version";

  /**
   * {@code <operator scope>.tokenize.version.complete}: the last version whose scan is complete; 0
   * for none.
   */
  public static final String COMPLETE_VERSION = "tokenize.version.complete";

  private TokenizeMetrics() {}
}
