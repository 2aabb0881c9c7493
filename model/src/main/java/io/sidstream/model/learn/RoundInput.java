package io.sidstream.model.learn;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.evaluate.Prequential;
import java.util.BitSet;
import java.util.List;
import java.util.SortedMap;

/**
 * All that a round learns from, besides the model: drawn between rounds, and bounded by the round
 * and not by the catalogue.
 *
 * @param shard number of the shard, from 0
 * @param round number of the round, from 1
 * @param versions what the rows' codes are brought up to date by
 * @param set rows of every item that is named below
 * @param pool rows drawn uniformly from the catalogue: negatives come from them
 * @param windows what is predicted and learnt
 * @param sample what a candidate is judged on; null where the round ends in none
 * @param totals of the shard as the round begins
 */
public record RoundInput(
    int shard,
    long round,
    Versions versions,
    WorkingSet set,
    int[] pool,
    Windows windows,
    Sample sample,
    Totals totals) {

  /**
   * Token versions.
   *
   * @param inUse version in use, 0 for none
   * @param tokenizers by version, every one that a row of the set may have missed, up to that in
   *     use
   */
  public record Versions(int inUse, SortedMap<Integer, TokenizerModel> tokenizers) {}

  /**
   * Sequences of rows; -1 stands for an item that is gone.
   *
   * @param predicted windows with new events, each predicted before it is learnt
   * @param recent windows that are learnt because something in them is new; no held-out user's
   * @param replayed windows of users of any time; no held-out user's
   */
  public record Windows(
      List<Prequential.Window> predicted, List<int[]> recent, List<int[]> replayed) {}

  /**
   * Rows that a candidate is judged on.
   *
   * @param rows a uniform sample of the catalogue
   * @param old those of its places, by place in {@code rows}, that were there when the version in
   *     use began
   * @param heldOut newest windows of held-out users
   */
  public record Sample(int[] rows, BitSet old, List<Prequential.Window> heldOut) {}

  /**
   * Totals of the shard.
   *
   * @param items items that it knows
   * @param interactions interactions consumed
   * @param waiting interactions whose item has not arrived
   */
  public record Totals(long items, long interactions, long waiting) {}
}
