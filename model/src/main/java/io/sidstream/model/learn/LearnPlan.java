package io.sidstream.model.learn;

import io.sidstream.model.math.Rng;
import io.sidstream.model.train.JointConfig;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * Every constant of learning from a stream, once: the job and the offline replay read the same.
 *
 * @param model shapes and knobs of a training step
 * @param seed where every random draw comes from
 * @param shards learners that share the users, S
 * @param rounds when rounds begin and how long they are
 * @param steps what a step takes
 * @param bootstrap the first training
 * @param gate bounds of the gate
 * @param holdout share of the users that only the gate ranks
 */
public record LearnPlan(
    JointConfig model,
    long seed,
    int shards,
    Rounds rounds,
    Steps steps,
    Bootstrap bootstrap,
    GateRules gate,
    double holdout) {

  /** The paper ranks a target among as many. */
  public static final int NEGATIVES = 99;

  /** Items that are drawn uniformly for a round: its negatives, and candidates of its rankings. */
  public static final int POOL = 4_096;

  /**
   * Items of a round's working set, at most, beside {@link #QUALITY_ITEMS}: what its memory is
   * bounded by, and its time where reading rows takes longer than training on them.
   */
  public static final int WORKING_SET = 32_768;

  /** Items that the health of a candidate is measured on, at most. */
  public static final int QUALITY_ITEMS = 20_000;

  /**
   * Items of a step that are decoded, at most: what a step costs grows with its items through the
   * RQ-VAE, and dense data has more of them a position.
   */
  public static final int STEP_DECODED = 1_024;

  /** Items that k-means takes, at most. */
  public static final int INITIAL_ITEMS = 20_000;

  /** Held-out windows that the gate ranks, at most, and below how many it does not judge. */
  public static final int GATE_WINDOWS = 512;

  /** See {@link #GATE_WINDOWS}. */
  public static final int GATE_LEAST_EVENTS = 50;

  /** Steps of a first training, at least. */
  public static final int LEAST_STEPS = 60;

  /** Items whose codes a round brings up to date besides those that it works on, at most. */
  public static final int SWEEP_ITEMS = 8_192;

  /**
   * When rounds begin and how long they are.
   *
   * @param interactions interactions of a round, over all shards
   * @param steps steps of a recommender round; shards share the positions of each
   * @param quantizerEvery every so many rounds the quantizer learns too
   * @param quantizerSteps steps of such a round
   */
  public record Rounds(int interactions, int steps, int quantizerEvery, int quantizerSteps) {}

  /**
   * What a step takes.
   *
   * @param positions positions of a batch, about
   * @param recentShare share of them that is of windows with something new; the rest is of users of
   *     any time
   */
  public record Steps(int positions, double recentShare) {}

  /**
   * The first training.
   *
   * @param passes times that what has arrived is gone over
   * @param maxSteps steps at most, over all shards
   * @param minSteps steps at least, over all shards: a catalogue without interactions has codebooks
   *     to make, too
   * @param exchanges rounds that it is cut into where there are several shards
   */
  public record Bootstrap(int passes, int maxSteps, int minSteps, int exchanges) {}

  /** Rounds of the bootstrap: one shard has nobody to wait for. */
  public int bootstrapRounds() {
    return shards == 1 ? 1 : bootstrap.exchanges;
  }

  /** What a round moves, by its number from 1. */
  public RoundKind kind(long round) {
    long after = round - bootstrapRounds();
    if (after <= 0) {
      return RoundKind.BOOTSTRAP;
    }
    boolean quantizer = model.hasSemantic() && after % rounds.quantizerEvery == 0;
    return quantizer ? RoundKind.QUANTIZER : RoundKind.RECOMMENDER;
  }

  /** Whether a round ends in a candidate for a token version. */
  public boolean endsInCandidate(long round) {
    return kind(round) == RoundKind.QUANTIZER || round == bootstrapRounds();
  }

  /**
   * Steps of a round in one shard.
   *
   * @param positions positions that the shard has to learn from, for a bootstrap
   */
  public int stepsOf(long round, long positions) {
    return switch (kind(round)) {
      case BOOTSTRAP -> {
        long wanted = bootstrap.passes * positions / steps.positions + 1;
        long most = Math.max(1, bootstrap.maxSteps / shards);
        long least = Math.min(most, Math.max(1, bootstrap.minSteps / shards));
        long all = Math.max(least, Math.min(most, wanted));
        yield (int) Math.max(1, all / bootstrapRounds());
      }
      case RECOMMENDER -> rounds.steps;
      case QUANTIZER -> rounds.quantizerSteps;
    };
  }

  /**
   * Whether a shard waits for what the merge makes of a round: for the mean of all, and for the
   * verdict on a candidate.
   */
  public boolean waits(long round) {
    return shards > 1 || endsInCandidate(round);
  }

  /**
   * What a step of a round takes in one shard. In the bootstrap shards share the steps. After it
   * they share the positions of each step, so that each takes as many steps as one shard alone:
   * with a part of the steps the mean of the shards moves by a part, and what has to follow the
   * stream falls behind.
   */
  public Steps stepOf(long round) {
    return kind(round) == RoundKind.BOOTSTRAP
        ? steps
        : new Steps(Math.max(1, steps.positions / shards), steps.recentShare);
  }

  /** Interactions of a round in one shard. */
  public int interactionsOfShard() {
    return Math.max(1, rounds.interactions / shards);
  }

  /** Whether the user's windows are for the gate alone: never trained on. */
  public boolean heldOut(String user) {
    return Rng.uniform(Rng.hash(seed, 3, hash(user))) < holdout;
  }

  /** The shard that learns from a user, 0..S-1. */
  public static int shard(String user, int shards) {
    return (int) Math.floorMod(Rng.hash(7, 0, hash(user)), (long) shards);
  }

  /** 64 bits of a name: what draws that belong to it are made by, wherever it is kept. */
  public static long hash(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    long low = crc.getValue();
    long h = 0xcbf29ce484222325L;
    for (byte b : bytes) {
      h = (h ^ (b & 0xff)) * 0x100000001b3L;
    }
    return Rng.hash(h, low, bytes.length);
  }
}
