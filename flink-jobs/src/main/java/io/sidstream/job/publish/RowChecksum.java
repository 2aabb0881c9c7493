package io.sidstream.job.publish;

import java.io.Serializable;

/** The checksum of one token row; a table's checksum is the sum of its rows' modulo 2^64. */
@FunctionalInterface
public interface RowChecksum extends Serializable {
  /**
   * @param item identifier
   * @param codes {@code [levels]}
   * @param suffix 0 for none
   */
  long of(String item, int[] codes, int suffix);
}
