package io.sidstream.job.learn;

import io.sidstream.job.record.Control;
import io.sidstream.model.evaluate.Prequential;

/** Where the merge stands. */
public class MergeProgress implements Cloneable {
  /** What the merge is doing. */
  public enum Phase {
    /** Results of the shards come in. */
    GATHER,
    /** The round ends in a candidate, but the version before it is not committed yet. */
    AWAIT_COMMIT,
    /** Results are merged and judged; a restart does it again. */
    JUDGE,
    /** What came of it is sent. */
    EMIT
  }

  public Phase phase = Phase.GATHER;

  /** The last round that was merged, 0 for none. */
  public long round;

  /** Recommender revision, 0 for none. */
  public long revision;

  /** Token version in use, 0 for none; newest version known to be committed. */
  public int version;

  public int committed;

  /** Reconstruction error of the version in use when it began. */
  public double reconstruction;

  /** Pieces of a result that have come and those that there are, by shard. */
  public int[] came = {};

  public int[] pieces = {};

  /** Pieces of rounds to come that wait in state: numbers of the first and of the next. */
  public long earlyFrom;

  public long earlyTo;

  /** Processing time at which the round under way was begun to be judged, ms. */
  public long judgedAt;

  /** Records of it that were sent. */
  public int sent;

  /** The round of which something was last sent back to the shards, 0 for none. */
  public long lastRound;

  /** The newest revision of which the recommenders and ID embeddings were published, 0 for none. */
  public long published;

  /** Whether the round under way publishes its own, whatever else comes of it. */
  public boolean publishesThis;

  /** Up to which version parts of the model were removed, but codebooks. */
  public int removed;

  /** Up to which version codebooks were removed. */
  public int removedCodebooks;

  /** Events ranked under the version in use, and sums over them; not ranked, in all. */
  public long ranked;

  public double hits10;
  public double ndcg10;
  public double popularityHits10;
  public long newRanked;
  public double newHits10;
  public long unranked;

  /**
   * Of the events ranked, those that the sums below are over: none of what an earlier build ranked.
   */
  public long compared;

  public double popularityNdcg10;
  public long newCompared;
  public double newNdcg10;
  public double newPopularityHits10;
  public double newPopularityNdcg10;

  /** Candidates that were held back. */
  public long held;

  /** Why candidates are held until a RELEASE, as it is published; null where they are not. */
  public String holdReason;

  /** Why the next candidate passes the gate whatever it says; null where it must pass by itself. */
  public String forceReason;

  /** What of them counts for the candidate under way. */
  public String holdsThis;

  public String forcesThis;

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

  /** Adds what a round has ranked; a new version begins new sums. */
  void add(Prequential.Result result, boolean newVersion) {
    ranked = (newVersion ? 0 : ranked) + result.model.count();
    hits10 = (newVersion ? 0 : hits10) + result.model.hr(10) * result.model.count();
    ndcg10 = (newVersion ? 0 : ndcg10) + result.model.ndcg(10) * result.model.count();
    popularityHits10 =
        (newVersion ? 0 : popularityHits10) + result.popularity.hr(10) * result.popularity.count();
    newRanked = (newVersion ? 0 : newRanked) + result.newModel.count();
    newHits10 = (newVersion ? 0 : newHits10) + result.newModel.hr(10) * result.newModel.count();
    unranked += result.unranked;
    compared = (newVersion ? 0 : compared) + result.popularity.count();
    popularityNdcg10 =
        (newVersion ? 0 : popularityNdcg10)
            + result.popularity.ndcg(10) * result.popularity.count();
    long fresh = result.newModel.count();
    newCompared = (newVersion ? 0 : newCompared) + fresh;
    newNdcg10 = (newVersion ? 0 : newNdcg10) + result.newModel.ndcg(10) * fresh;
    newPopularityHits10 =
        (newVersion ? 0 : newPopularityHits10) + result.newPopularity.hr(10) * fresh;
    newPopularityNdcg10 =
        (newVersion ? 0 : newPopularityNdcg10) + result.newPopularity.ndcg(10) * fresh;
  }

  /** Shards of which nothing whole has come, of the round that another has begun to send. */
  int behind() {
    int missing = 0;
    boolean begun = false;
    for (int s = 0; s < pieces.length; s++) {
      missing += pieces[s] == 0 || came[s] < pieces[s] ? 1 : 0;
      begun |= came[s] > 0;
    }
    return begun ? missing : 0;
  }

  MergeProgress copy() {
    try {
      MergeProgress copy = (MergeProgress) super.clone();
      copy.came = came.clone();
      copy.pieces = pieces.clone();
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }
}
