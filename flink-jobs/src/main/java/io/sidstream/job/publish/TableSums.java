package io.sidstream.job.publish;

import io.sidstream.job.record.CommitPart;
import io.sidstream.schemas.TokenChecksum;
import java.util.Arrays;

/**
 * Counts and checksums of a part of the token table: some over the table as it is, some over what
 * happened since the last commit. All are sums, so that the parts of subtasks can be added in any
 * grouping (checksums modulo 2^64).
 */
final class TableSums {
  private static final int ITEMS = 0;
  private static final int TABLE_CHECKSUM = 1;
  private static final int OLD_ITEMS = 2;
  private static final int ROWS = 3;
  private static final int TOMBSTONES = 4;
  private static final int ROWS_CHECKSUM = 5;
  private static final int MOVED = 6;
  private static final int CODES = 7;

  private final int levels;

  /**
   * {@code [7 + 2 * levels]}: the constants above, changed codes by level, changed prefixes by
   * level.
   */
  private final long[] sums;

  TableSums(int levels) {
    this.levels = levels;
    this.sums = new long[CODES + 2 * levels];
  }

  long items() {
    return sums[ITEMS];
  }

  long[] toArray() {
    return sums.clone();
  }

  void add(long[] part) {
    if (part.length != sums.length) {
      throw new IllegalStateException(
          "Publish's sums in the checkpoint are of %d levels, quantizer.levels=%d: restore with the same number of levels"
              .formatted((part.length - CODES) / 2, levels));
    }
    for (int i = 0; i < part.length; i++) {
      sums[i] += part[i];
    }
  }

  /**
   * Replaces what an item contributes.
   *
   * @param item identifier
   * @param commit the version that will be committed next
   * @param before what was known of the item; null for nothing
   * @param after what is known of it now
   */
  void replace(String item, int commit, PublishedToken before, PublishedToken after) {
    if (before != null) {
      contribute(item, commit, before, -1);
    }
    contribute(item, commit, after, 1);
  }

  private void contribute(String item, int commit, PublishedToken known, int sign) {
    PublishedToken.Ref now = known.token();
    PublishedToken.Ref old = known.previousFor(commit);
    long sum = now == null ? 0 : sign * TokenChecksum.of(item, now.codes(), now.suffix());
    if (now != null) {
      sums[ITEMS] += sign;
      sums[TABLE_CHECKSUM] += sum;
      if (known.commit() == commit) {
        sums[ROWS] += sign;
        sums[ROWS_CHECKSUM] += sum;
      }
    }
    if (old == null) {
      return;
    }
    if (now == null) {
      sums[TOMBSTONES] += sign;
      return;
    }
    sums[OLD_ITEMS] += sign;
    if (!now.sameToken(old)) {
      sums[MOVED] += sign;
    }
    boolean changed = false;
    for (int l = 0; l < levels; l++) {
      boolean differs = now.codes()[l] != old.codes()[l];
      changed |= differs;
      sums[CODES + l] += differs ? sign : 0;
      sums[CODES + levels + l] += changed ? sign : 0;
    }
  }

  /** The part of a commit; what counts since the last commit starts again. */
  CommitPart commit(int version, int subtask, long revision) {
    CommitPart part = new CommitPart();
    part.version = version;
    part.subtask = subtask;
    part.revision = revision;
    part.items = sums[ITEMS];
    part.rows = sums[ROWS];
    part.tombstones = sums[TOMBSTONES];
    part.rowsChecksum = sums[ROWS_CHECKSUM];
    part.tableChecksum = sums[TABLE_CHECKSUM];
    part.oldItems = sums[OLD_ITEMS];
    part.movedItems = sums[MOVED];
    part.changedCodes = Arrays.copyOfRange(sums, CODES, CODES + levels);
    part.changedPrefixes = Arrays.copyOfRange(sums, CODES + levels, CODES + 2 * levels);
    Arrays.fill(sums, ROWS, sums.length, 0);
    sums[OLD_ITEMS] = sums[ITEMS];
    return part;
  }
}
