package io.sidstream.job.ingest;

import java.io.Serializable;

/** How long the items topic keeps deletions. */
@FunctionalInterface
public interface DeletionsKept extends Serializable {
  /** Asked of the broker; ms, -1 where it does not tell. */
  long ms();
}
