package io.sidstream.job.train;

/** Where the trainer stands; together with the model it is all that a restart needs to go on. */
public class TrainProgress {
  /** What the trainer is doing. */
  public enum Phase {
    /** No model yet: items and interactions are collected. */
    COLLECT,
    /** The first training, at full speed. */
    BOOTSTRAP,
    /** Between rounds. */
    IDLE,
    /** A round that moves only the recommender. */
    RECOMMENDER_ROUND,
    /** A round that also refines the quantizer. */
    QUANTIZER_ROUND
  }

  public Phase phase = Phase.COLLECT;

  /** Optimizer steps left in the phase. */
  public int stepsLeft;

  /** Steps taken and losses summed in the phase. */
  public long steps;

  public double lossSum;

  /** Token version in use, 0 for none; newest version known to be committed. */
  public int version;

  public int committed;

  /** Recommender revision, 0 for none. */
  public long revision;

  /** Interactions consumed in all, and since the last round began. */
  public long interactions;

  public long sinceRound;

  /** Recommender rounds since the quantizer last moved. */
  public int roundsSinceQuantizer;

  /** Windows waiting in state: keys head (inclusive) to tail (exclusive). */
  public long head;

  public long tail;

  /**
   * Processing time of the first item and of the end of the last round, ms since the epoch; 0 for
   * never.
   */
  public long firstItemAt;

  public long lastRoundAt;

  /** Draws of users and negatives made so far: the state of their generator. */
  public long rngState;

  /** Sums for the next REVISION record (see Prequential). */
  public long events;

  public double hits10;
  public double ndcg10;
  public double popularityHits10;
  public long newEvents;
  public double newHits10;
  public double newPopularityHits10;
}
