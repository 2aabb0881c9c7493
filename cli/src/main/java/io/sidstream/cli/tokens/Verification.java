package io.sidstream.cli.tokens;

import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/** Reads the topics and audits them, again for a while where something is still under way. */
public final class Verification {
  private Verification() {}

  /**
   * Audits the topics. The rows of a version become visible in several transactions, and a new item
   * takes a moment to get its token: what is wrong is looked at again until the time is over.
   *
   * @param prefix what the topics' names begin with
   * @param properties more of the Kafka clients
   * @param shared whether items may share a token, as with resolve.strategy none
   * @param complete whether every item must have a token by now
   * @param patience how long to look again
   */
  public static TokenAudit.Report run(
      String bootstrap,
      String prefix,
      Properties properties,
      boolean shared,
      boolean complete,
      Duration patience)
      throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    while (true) {
      TokenLog log =
          TokenLog.read(
              bootstrap,
              prefix,
              properties,
              "versions",
              "tokens",
              "models",
              "dead-letters",
              "items");
      TokenAudit.Report report = TokenAudit.of(log, shared, complete);
      if (report.passed() || System.nanoTime() >= end) {
        return report;
      }
      TimeUnit.SECONDS.sleep(1);
    }
  }
}
