package io.sidstream.job.resolve;

/** Names of the metrics of {@link ResolveFunction}, in the operator's own scope. */
public final class ResolveMetrics {

  /** {@code <operator scope>.resolve.claims}: claims answered. */
  public static final String CLAIMS = "resolve.claims";

  /**
   * {@code <operator scope>.resolve.repaired}: claims whose chosen token was taken, and which got
   * another.
   */
  public static final String REPAIRED = "resolve.repaired";

  /** {@code <operator scope>.resolve.suffixes}: claims that got a suffix. */
  public static final String SUFFIXES = "resolve.suffixes";

  /** {@code <operator scope>.resolve.releases}: tokens given back. */
  public static final String RELEASES = "resolve.releases";

  /**
   * {@code <operator scope>.resolve.releases.unknown}: releases of an item that the prefix does not
   * know; ignored.
   */
  public static final String UNKNOWN_RELEASES = "resolve.releases.unknown";

  private ResolveMetrics() {}
}
