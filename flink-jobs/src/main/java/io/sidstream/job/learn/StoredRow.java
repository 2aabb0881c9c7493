package io.sidstream.job.learn;

import io.sidstream.model.learn.LearnedRow;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** What a round has learnt of an item, put aside with the item's number. */
final class StoredRow {
  private StoredRow() {}

  static byte[] of(long item, LearnedRow row) {
    byte[] bytes = row.toBytes();
    return ByteBuffer.allocate(8 + bytes.length).putLong(item).put(bytes).array();
  }

  static long item(byte[] stored) {
    return ByteBuffer.wrap(stored).getLong();
  }

  static LearnedRow learned(byte[] stored) {
    return LearnedRow.fromBytes(Arrays.copyOfRange(stored, 8, stored.length));
  }

  /**
   * A row with another embedding; its moments, which stay with the shard, as they were.
   *
   * @param e null for none: the row is as that of a new item
   */
  static LearnedRow with(LearnedRow row, float[] e) {
    if (e == null) {
      return new LearnedRow(row.version(), row.codes(), 0, null);
    }
    float[] id = row.id() == null ? new float[3 * e.length] : row.id().clone();
    System.arraycopy(e, 0, id, 0, e.length);
    return new LearnedRow(row.version(), row.codes(), Math.max(1, row.idSteps()), id);
  }
}
