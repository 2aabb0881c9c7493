package io.sidstream.job.train;

import io.sidstream.model.evaluate.Prequential;
import java.util.Arrays;

/** Where the trainer stands; together with the model it is all that a restart needs to go on. */
public class TrainProgress implements Cloneable {
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

  /**
   * The settings that are fixed with this state, as key=value; earlier builds wrote down fewer of
   * them, or none.
   */
  public String[] shape = {};

  /** Optimizer steps left in the phase. */
  public int stepsLeft;

  /** Steps taken and losses summed in the phase. */
  public long steps;

  public double lossSum;

  /** Token version in use, 0 for none; newest version known to be committed. */
  public int version;

  public int committed;

  /** Candidates that were held back. */
  public long held;

  /** Why candidates are held until a RELEASE, as it is published; null where they are not. */
  public String holdReason;

  /** Why the next candidate passes the gate whatever it says; null where it must pass by itself. */
  public String forceReason;

  /** Recommender revision, 0 for none. */
  public long revision;

  /** Interactions consumed in all, and since the last round began. */
  public long interactions;

  public long sinceRound;

  /** Reconstruction error of the version in use when it began. */
  public double reconstruction;

  /** Size of the item table then: its COMMIT counts these items, and the next its moves of them. */
  public int itemsOfVersion;

  /** Interactions taken in without a round of their own, because too many were waiting. */
  public long withoutRound;

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

  /** State of the generator that draws users and negatives. */
  public long rngState;

  /** Users of the windows consumed since the last round began, with repetitions. */
  public int[] recentUsers = {};

  public int recentCount;

  /** Items whose row a step has changed since the last revision, as the words of a BitSet. */
  public long[] changedItems = {};

  /** Sums for the next REVISION record (see Prequential). */
  public long events;

  public double hits10;
  public double ndcg10;
  public double popularityHits10;
  public long newEvents;
  public double newHits10;
  public double newPopularityHits10;

  /**
   * Takes in a control message. The last one counts: a hold withdraws a force that was not used
   * yet, a force lets one candidate pass a hold.
   */
  void add(Control control) {
    switch (control.action) {
      case HOLD -> {
        holdReason = "held " + control.text();
        forceReason = null;
      }
      case FORCE -> forceReason = "forced " + control.text();
      case RELEASE -> holdReason = null;
      default -> throw new IllegalArgumentException("no action for the gate: " + control.action);
    }
  }

  /** A copy that shares no array with this. */
  TrainProgress copy() {
    TrainProgress copy;
    try {
      copy = (TrainProgress) super.clone();
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
    copy.shape = shape.clone();
    copy.recentUsers = recentUsers.clone();
    copy.changedItems = changedItems.clone();
    return copy;
  }

  /** Begins new sums. */
  public void resetPrequential() {
    events = 0;
    hits10 = 0;
    ndcg10 = 0;
    popularityHits10 = 0;
    newEvents = 0;
    newHits10 = 0;
    newPopularityHits10 = 0;
  }

  /** Adds what was predicted. */
  void add(Prequential.Result result) {
    events += result.model.count();
    hits10 += result.model.hr(10) * result.model.count();
    ndcg10 += result.model.ndcg(10) * result.model.count();
    popularityHits10 += result.popularity.hr(10) * result.popularity.count();
    newEvents += result.newModel.count();
    newHits10 += result.newModel.hr(10) * result.newModel.count();
    newPopularityHits10 += result.newPopularity.hr(10) * result.newPopularity.count();
  }

  /** The sums, as they are published. */
  io.sidstream.schemas.Prequential prequential() {
    return new io.sidstream.schemas.Prequential(
        events, hits10, ndcg10, popularityHits10, newEvents, newHits10, newPopularityHits10);
  }

  /** A user has new events. */
  void addRecent(int user) {
    if (recentCount == recentUsers.length) {
      recentUsers = Arrays.copyOf(recentUsers, 2 * recentCount + 64);
    }
    recentUsers[recentCount++] = user;
  }
}
