package io.sidstream.job.record;

import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * What an item asks of a prefix (its codes of all levels but the last). One item's claims carry
 * increasing {@link #seq}; an item that leaves a prefix sends RELEASE to the old one and CLAIM to
 * the new one.
 */
public class Claim {
  /** True: the item leaves the prefix. False: it asks for a last code. */
  public boolean release;

  /** On a release: the item was deleted, and its row is to be removed. */
  public boolean deleted;

  public String item;

  /** Order of this item's claims, increasing over its whole life. */
  public long seq;

  /** Token version under which the codes were computed. */
  public int version;

  /** Recommender revision of that version. */
  public long revision;

  /** {@code [levels - 1]} the codes of all levels but the last; empty where tokenless. */
  public int[] prefix = {};

  /** The last-level code that was chosen. */
  public int chosen;

  /**
   * {@code [codebook.size]} distance to each last-level codeword, up to a term that is the same for
   * all; null on a release. Their order is left to Resolve, which needs it for a colliding item
   * only.
   */
  @TypeInfo(FloatsType.Factory.class)
  public float[] lastDistances;

  /** {@code [levels]} distance to the chosen codeword; null on a release. */
  @TypeInfo(FloatsType.Factory.class)
  public float[] distances;

  /**
   * {@code [levels]} distance to the best other codeword minus that distance; null on a release.
   */
  @TypeInfo(FloatsType.Factory.class)
  public float[] margins;

  /** Event time of the item, ms since the epoch. */
  public long time;

  /**
   * As the item event's Kafka record is dated, ms since the epoch; 0 where no event asked for it.
   */
  public long arrived;

  /** On a release: the item has no token here that a prefix could take back. */
  public boolean tokenless() {
    return prefix.length == 0;
  }
}
