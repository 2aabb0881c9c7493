package io.sidstream.job.versions;

import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.time.Instant;
import java.util.List;

/** Version records for tests. */
public final class VersionRecords {
  private VersionRecords() {}

  /** One that says no more than it must. */
  public static VersionRecord record(VersionState state, int version, long revision) {
    VersionRecord record = new VersionRecord();
    record.setVersion(version);
    record.setState(state);
    record.setRevision(revision);
    record.setModelDigest("");
    record.setChangedCodes(List.of());
    record.setChangedPrefixes(List.of());
    record.setTime(Instant.EPOCH);
    return record;
  }
}
