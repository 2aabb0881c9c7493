package io.sidstream.model.learn;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.math.NotFiniteException;
import java.util.BitSet;
import java.util.List;

/**
 * What a shard's round came to, as it goes to the merge.
 *
 * @param shard number of the shard, from 0
 * @param round number of the round, from 1
 * @param figures counts and sums
 * @param weights what the merge takes the mean of; null where the shard took no step
 * @param embeddings ID embeddings that the round changed
 * @param evaluation what a candidate is judged on; null where the round ends in none
 */
public record RoundResult(
    int shard,
    long round,
    Figures figures,
    Weights weights,
    List<Embedding> embeddings,
    Evaluation evaluation) {

  /**
   * Counts and sums of a round.
   *
   * @param items items that the shard knows
   * @param interactions interactions that the shard has consumed in all
   * @param waiting interactions whose item has not arrived
   * @param steps steps of the round
   * @param recommendation sum over steps of the recommendation loss
   * @param reconstruction sum over steps of the reconstruction loss
   * @param commitment sum over steps of the commitment losses
   * @param ranked the round's new events as they were predicted before they were learnt
   * @param unranked new events that could not be ranked: no other item was known by their time
   */
  public record Figures(
      long items,
      long interactions,
      long waiting,
      long steps,
      double recommendation,
      double reconstruction,
      double commitment,
      Prequential.Result ranked,
      long unranked) {

    /** What two shards come to: they know the same items, everything else is each one's own. */
    Figures plus(Figures other) {
      Prequential.Result both = new Prequential.Result();
      both.add(ranked);
      both.add(other.ranked);
      return new Figures(
          Math.max(items, other.items),
          interactions + other.interactions,
          waiting + other.waiting,
          steps + other.steps,
          recommendation + other.recommendation,
          reconstruction + other.reconstruction,
          commitment + other.commitment,
          both,
          unranked + other.unranked);
    }
  }

  /**
   * The model after the round, without what stays with the shard (Adam's moments).
   *
   * @param recommender flat, see {@code SequenceRecommender.parameters}
   * @param semanticRecommender the second one; empty for none
   * @param quantizer encoder, then decoder, see {@code RqVae.parameters}; empty for none
   * @param levels the codebooks' moving averages, one a level
   */
  public record Weights(
      float[] recommender, float[] semanticRecommender, float[] quantizer, List<Level> levels) {

    /**
     * Checks every number.
     *
     * @throws NotFiniteException naming the first that is NaN or infinite
     */
    public void requireFinite() {
      NotFiniteException.check("recommender", recommender);
      NotFiniteException.check("second recommender", semanticRecommender);
      NotFiniteException.check("quantizer", quantizer);
      for (int l = 0; l < levels.size(); l++) {
        NotFiniteException.check("counts of level " + (l + 1), levels.get(l).counts);
        NotFiniteException.check("sums of level " + (l + 1), levels.get(l).sums);
        NotFiniteException.check("codewords of level " + (l + 1), levels.get(l).codewords);
      }
    }
  }

  /**
   * Moving averages of a level.
   *
   * @param counts {@code [K]}
   * @param sums {@code [K, D_2]}
   * @param codewords {@code [K, D_2]}
   * @param reseeded codewords that were re-seeded since the version in use
   * @param reseededHere those that the shard re-seeded since it last took a merge
   */
  public record Level(
      float[] counts, float[] sums, float[] codewords, BitSet reseeded, BitSet reseededHere) {}

  /**
   * The ID embedding of an item.
   *
   * @param item name of the item
   * @param e {@code [D_1]}; null where the item is gone, or is new and has none again
   * @param start {@code [D_1]} what the round began with, the same in all shards, where the merge
   *     is to add up what each moved it by; null where it is to take the mean
   * @param steps steps that moved it; 0 without a start
   */
  public record Embedding(String item, float[] e, float[] start, int steps) {
    /** One of which the merge takes the mean. */
    public Embedding(String item, float[] e) {
      this(item, e, null, 0);
    }
  }
}
