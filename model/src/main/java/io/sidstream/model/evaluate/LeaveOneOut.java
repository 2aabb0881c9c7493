package io.sidstream.model.evaluate;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.Threads;
import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * The literature's protocol: one target per user, ranked against 99 items that the user never had
 * ({@code sampled}), and against the whole catalogue with the user's history masked ({@code full}).
 * The two are not comparable.
 */
public final class LeaveOneOut {
  private static final int BATCH = 256;

  /** Rankings of both kinds. */
  public static final class Result {
    /** Against sampled negatives. */
    public final RankingMetrics sampled = new RankingMetrics();

    /** Against the catalogue. */
    public final RankingMetrics full = new RankingMetrics();

    /** [users] rank of each target against sampled negatives; NaN where there was none. */
    public final double[] sampledRanks;

    /** [users] rank of each target against the catalogue; NaN where there was nothing to rank. */
    public final double[] fullRanks;

    private Result(int users) {
      sampledRanks = new double[users];
      fullRanks = new double[users];
      Arrays.fill(sampledRanks, Double.NaN);
      Arrays.fill(fullRanks, Double.NaN);
    }
  }

  private LeaveOneOut() {}

  /**
   * Draws negatives uniformly from the catalogue, without replacement, for each user that has a
   * history: once, so that every variant meets the same.
   *
   * @param catalogue dense indices of the items that are ranked
   * @param histories per user the items before the target; a user without any gets no negatives
   * @param targets per user the target
   * @param never per user all items that a negative must not be (the whole history, later items
   *     too)
   * @param count negatives per target; fewer where the catalogue does not have them
   * @return per user the dense indices of its negatives
   */
  public static int[][] drawNegatives(
      int[] catalogue, int[][] histories, int[] targets, int[][] never, int count, Rng rng) {
    int n = catalogue.length;
    int[] place = places(catalogue);
    BitSet masked = new BitSet(n);
    int[][] drawn = new int[histories.length][];
    for (int u = 0; u < histories.length; u++) {
      if (histories[u].length == 0) {
        drawn[u] = new int[0];
        continue;
      }
      masked.clear();
      mask(masked, place, never[u]);
      masked.set(place[targets[u]]);
      drawn[u] = new int[Math.min(count, n - masked.cardinality())];
      for (int left = drawn[u].length; left > 0; ) {
        int j = rng.nextInt(n);
        if (!masked.get(j)) {
          masked.set(j);
          drawn[u][drawn[u].length - left] = catalogue[j];
          left--;
        }
      }
    }
    return drawn;
  }

  /**
   * Evaluates one target per user. With several towers both rankings compare their mean
   * probabilities in the catalogue without the user's history.
   *
   * @param catalogue dense indices of the items that are ranked
   * @param histories per user the items before the target, oldest first; a user without any is left
   *     out
   * @param targets per user the target
   * @param negatives per user the items, all in the catalogue, that its target is ranked against in
   *     the sampled protocol
   */
  public static Result evaluate(
      SequenceRecommender recommender,
      Representations representations,
      int[] catalogue,
      int[][] histories,
      int[] targets,
      int[][] negatives) {
    int n = catalogue.length;
    float[] s = new float[n * representations.dim()];
    representations.fill(catalogue, n, s);
    int[] place = places(catalogue);
    List<Tower> towers = Tower.all(recommender, representations);
    Result result = new Result(histories.length);
    int batches = (histories.length + BATCH - 1) / BATCH;
    int workers = Math.min(Threads.count(), batches);
    Threads.forEach(
        workers,
        w -> {
          List<Tower> own = w == 0 ? towers : towers.stream().map(Tower::twin).toList();
          Worker worker = new Worker(representations, own, s, place, result);
          for (int batch = w; batch < batches; batch += workers) {
            worker.rank(batch * BATCH, histories, targets, negatives);
          }
        });
    // In the order of the users, whoever ranked them.
    for (int u = 0; u < histories.length; u++) {
      if (!Double.isNaN(result.sampledRanks[u])) {
        result.sampled.add(result.sampledRanks[u]);
      }
      if (!Double.isNaN(result.fullRanks[u])) {
        result.full.add(result.fullRanks[u]);
      }
    }
    return result;
  }

  /** Ranks batches of users, one after the other, with memory of its own. */
  private static final class Worker {
    private final Representations representations;
    private final List<Tower> towers;
    private final float[] s;
    private final int[] place;
    private final Result result;
    private final int d;
    private final int n;
    private final Windows windows;
    private final float[] scores;
    private final float[] ofTower;
    private final float[] last;
    private final float[] beats;
    private final int[] user = new int[BATCH];
    private final int[] row = new int[BATCH];
    private final BitSet masked;

    /**
     * A worker.
     *
     * @param s representations of the catalogue [n, d]
     * @param place of an item in the catalogue; see {@link #places}
     */
    Worker(
        Representations representations,
        List<Tower> towers,
        float[] s,
        int[] place,
        Result result) {
      this.representations = representations;
      this.towers = towers;
      this.s = s;
      this.place = place;
      this.result = result;
      d = representations.dim();
      n = s.length / d;
      windows = new Windows(towers.get(0).recommender().shape().maxLen(), representations);
      scores = new float[BATCH * n];
      ofTower = towers.size() == 1 ? scores : new float[BATCH * n];
      last = new float[BATCH * d];
      beats = new float[RankingMetrics.BLOCK];
      masked = new BitSet(n);
    }

    /** Ranks the targets of users from, from + 1, ... of a batch. */
    void rank(int from, int[][] histories, int[] targets, int[][] negatives) {
      windows.clear();
      int m = 0;
      for (int u = from; u < Math.min(histories.length, from + BATCH); u++) {
        if (histories[u].length > 0) {
          user[m] = u;
          row[m++] = windows.add(histories[u], histories[u].length);
        }
      }
      if (m == 0) {
        return;
      }
      synchronized (representations) {
        windows.fill();
      }
      score(m, histories, targets);
      for (int i = 0; i < m; i++) {
        int u = user[i];
        int own = place[targets[u]];
        // Alone, a target would be first, whatever the model.
        if (negatives[u].length > 0) {
          result.sampledRanks[u] = sampledRank(scores, i * n, own, place, negatives[u]);
        }
        masked.clear();
        mask(masked, place, histories[u]);
        masked.set(own);
        if (masked.cardinality() < n) {
          result.fullRanks[u] = fullRank(scores, i * n, n, own, masked, beats);
        }
      }
    }

    /** Scores of the catalogue for m users [m, n]; of several towers their mean probabilities. */
    private void score(int m, int[][] histories, int[] targets) {
      boolean one = towers.size() == 1;
      if (!one) {
        Arrays.fill(scores, 0, m * n, 0f);
      }
      for (Tower tower : towers) {
        float[] h = windows.run(tower);
        float scale = 1f / tower.temperature();
        int width = tower.width();
        for (int i = 0; i < m; i++) {
          System.arraycopy(h, row[i] * width, last, i * width, width);
        }
        Blas.gemm(
            false, true, m, n, width, scale, last, 0, width, s, tower.from(), d, 0f, ofTower, 0, n);
        for (int i = 0; i < m && !one; i++) {
          // What a tower would give to items that are masked must not take from its say on others.
          for (int item : histories[user[i]]) {
            int at = placeOf(place, item);
            if (at >= 0 && item != targets[user[i]]) {
              ofTower[i * n + at] = Float.NEGATIVE_INFINITY;
            }
          }
          tower.addProbabilities(ofTower, i * n, n, scores, i * n);
        }
      }
    }
  }

  private static void mask(BitSet masked, int[] place, int[] items) {
    for (int item : items) {
      int at = placeOf(place, item);
      if (at >= 0) {
        masked.set(at);
      }
    }
  }

  /** Place of an item in the catalogue; -1 where it is not there. */
  private static int placeOf(int[] place, int item) {
    return item < place.length ? place[item] : -1;
  }

  private static int[] places(int[] catalogue) {
    int highest = 0;
    for (int item : catalogue) {
      highest = Math.max(highest, item);
    }
    int[] place = new int[highest + 1];
    Arrays.fill(place, -1);
    for (int i = 0; i < catalogue.length; i++) {
      place[catalogue[i]] = i;
    }
    return place;
  }

  private static double sampledRank(
      float[] scores, int off, int own, int[] place, int[] negatives) {
    double rank = 1;
    for (int item : negatives) {
      rank += RankingMetrics.beats(scores[off + place[item]], scores[off + own]);
    }
    return rank;
  }

  private static double fullRank(
      float[] scores, int off, int n, int own, BitSet masked, float[] beats) {
    // All are counted, then what is masked is taken back.
    double rank = 1 + RankingMetrics.beats(scores, off, n, scores[off + own], beats);
    for (int j = masked.nextSetBit(0); j >= 0; j = masked.nextSetBit(j + 1)) {
      rank -= RankingMetrics.beats(scores[off + j], scores[off + own]);
    }
    return rank;
  }
}
