package io.sidstream.cli.watch;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.util.List;

/**
 * What a run came to; written as one JSON object with these names.
 *
 * @param items distinct items sent
 * @param itemsWithToken items that have a token
 * @param interactions interactions consumed by the trainer
 * @param deadLetters records rejected
 * @param versions token versions committed
 * @param held candidates that the gate held back
 * @param holds each of them with its reason, oldest first
 * @param revisions recommender revisions published
 * @param levels use of each level's codewords by the tokens of the last table, before repair of
 *     collisions
 * @param aloneInTuple share of items whose code tuple, before repair, no other item has, 0..1
 * @param uniqueTokens share of items whose token, as published, no other item has, 0..1
 * @param verified whether all that {@code tokens verify} proves holds at the end; null where it was
 *     not asked for
 * @param churn per committed version, in order: share of old items whose token changed; 0 for the
 *     first
 * @param prequential per token version in use: how events were ranked before they were learnt from;
 *     versions under which none was ranked are left out
 * @param latencyMs from item event to visible token
 * @param run what it cost
 */
public record Summary(
    long items,
    long itemsWithToken,
    long interactions,
    long deadLetters,
    int versions,
    int held,
    List<Hold> holds,
    long revisions,
    List<Level> levels,
    double aloneInTuple,
    double uniqueTokens,
    Boolean verified,
    List<Double> churn,
    List<Version> prequential,
    Latency latencyMs,
    @JsonUnwrapped Run run) {

  /**
   * What a run cost; part of the same JSON object.
   *
   * @param wallSeconds duration of the run
   * @param cpuSeconds processor time of the process, of all its threads
   * @param peakRssBytes most memory resident at once, -1 where unknown
   * @param firstVersion the wait for it; null where none was committed
   * @param checkpoints since every task runs
   * @param stepTimeMs of the newest 1,000 steps of training, without the pause after each; null
   *     where none was taken
   */
  public record Run(
      double wallSeconds,
      double cpuSeconds,
      long peakRssBytes,
      FirstVersion firstVersion,
      Checkpoints checkpoints,
      Figures stepTimeMs) {}

  /**
   * What went by until a reader saw the first commit.
   *
   * @param wallSeconds since the process began
   * @param cpuSeconds processor time of the process
   */
  public record FirstVersion(double wallSeconds, double cpuSeconds) {}

  /**
   * Checkpoints since every task runs.
   *
   * @param completed how many
   * @param failed how many
   * @param ms from trigger to completion, of those completed; null for none
   * @param bytes written for one; null for none
   */
  public record Checkpoints(long completed, long failed, Figures ms, Figures bytes) {}

  /**
   * Of many values.
   *
   * @param p50 median
   * @param p99 99th percentile
   * @param max largest
   */
  public record Figures(double p50, double p99, double max) {}

  /**
   * A candidate that was held back.
   *
   * @param version the token version it would have become
   * @param revision recommender revision
   * @param reason the gate's
   */
  public record Hold(int version, long revision, String reason) {}

  /**
   * Use of a codebook.
   *
   * @param utilisation share of codewords that at least one item uses, 0..1
   * @param perplexity exp of the entropy of codeword use
   */
  public record Level(double utilisation, double perplexity) {}

  /**
   * Ranking of events on 99 negatives; ties count half.
   *
   * @param version token version in use; 0 before the first
   * @param events events ranked
   * @param hr10 share of events in the first ten
   * @param ndcg10 mean NDCG at 10
   * @param popularityHr10 hr10 of a ranking by interactions so far
   * @param newEvents those events whose target had fewer than 5 interactions so far
   * @param newHr10 hr10 of them, null where there are none
   * @param newPopularityHr10 popularityHr10 of them, null where there are none
   */
  public record Version(
      int version,
      long events,
      double hr10,
      double ndcg10,
      double popularityHr10,
      long newEvents,
      Double newHr10,
      Double newPopularityHr10) {}

  /**
   * Time from an item event's send to the moment when a reader of committed records sees its first
   * token, of the items sent after the first committed version was seen (earlier ones wait for the
   * first model).
   *
   * @param count items measured
   * @param p50 median, ms, null where none was measured
   * @param p99 99th percentile, ms, null where none was measured
   */
  public record Latency(long count, Long p50, Long p99) {}
}
