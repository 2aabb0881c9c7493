package io.sidstream.job.versions;

/** Names of the metrics of {@link VersionLedger}, in the operator's own scope. */
public final class LedgerMetrics {
  /**
   * {@code <operator scope>.ledger.committed-seen}: the newest token version whose COMMIT readers
   * have; 0 for none.
   */
  public static final String COMMITTED_SEEN = "ledger.committed-seen";

  /**
   * {@code <operator scope>.ledger.begun-for-ms}: ms since the newest BEGIN, while readers do not
   * have the COMMIT of its version; else 0. Where it grows beyond the time of a scan, a version
   * does not come to its end.
   */
  public static final String BEGUN_FOR = "ledger.begun-for-ms";

  /** {@code <operator scope>.ledger.unseen}: records that were said and not read back yet. */
  public static final String UNSEEN = "ledger.unseen";

  /**
   * {@code <operator scope>.ledger.said-again}: records that readers did not get and that were said
   * again.
   */
  public static final String SAID_AGAIN = "ledger.said-again";

  private LedgerMetrics() {}
}
