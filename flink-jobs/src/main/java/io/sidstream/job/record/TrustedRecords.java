package io.sidstream.job.record;

import io.sidstream.schemas.VersionRecord;
import org.apache.avro.util.ClassSecurityValidator;

/**
 * Has Avro trust the generated records in this JVM, where Flink's own serializer makes them on
 * their way between operators. Topics are read and written without it.
 */
public final class TrustedRecords {
  static {
    // Class loaders of several jobs may share one Avro, so what is trusted already is not wrapped
    // again.
    ClassSecurityValidator.ClassSecurityPredicate known = ClassSecurityValidator.getGlobal();
    String ours = VersionRecord.class.getPackageName();
    if (!known.isTrusted(VersionRecord.class)) {
      ClassSecurityValidator.setGlobal(c -> c.getPackageName().equals(ours) || known.isTrusted(c));
    }
  }

  private TrustedRecords() {}

  /** Does so, once; called by what stands at either end of an edge that such records take. */
  public static void trust() {
    // The static initialiser has done it.
  }
}
