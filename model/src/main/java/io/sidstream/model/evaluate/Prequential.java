package io.sidstream.model.evaluate;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.train.ItemTable;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The stream's protocol: every event is predicted with the model as it stands, then learnt from. A
 * target is ranked against negatives drawn uniformly from the items known by the event's time that
 * are neither the target nor in the window; beside the model stands a ranking by interactions so
 * far. The caller counts interactions after it has evaluated them.
 */
public final class Prequential {
  /** Targets with fewer interactions than this are new items. */
  public static final int NEW_ITEM_INTERACTIONS = 5;

  private static final int BATCH = 256;

  /**
   * A user's newest events, oldest first.
   *
   * @param items dense item indices
   * @param times event times, milliseconds
   * @param fresh how many of the last events have not been learnt from: each is predicted from what
   *     precedes it
   */
  public record Window(int[] items, long[] times, int fresh) {}

  /** Rankings of the model and of popularity, over all events and over those of new items. */
  public static final class Result {
    /** The model, all events. */
    public final RankingMetrics model = new RankingMetrics();

    /** Popularity, all events. */
    public final RankingMetrics popularity = new RankingMetrics();

    /** The model, events whose target is a new item. */
    public final RankingMetrics newModel = new RankingMetrics();

    /** Popularity, events whose target is a new item. */
    public final RankingMetrics newPopularity = new RankingMetrics();

    /** Events that had no candidate beside the target: no other item was known by their time. */
    public long unranked;

    /** Adds what another has counted. */
    public void add(Result other) {
      unranked += other.unranked;
      model.add(other.model);
      popularity.add(other.popularity);
      newModel.add(other.newModel);
      newPopularity.add(other.newPopularity);
    }

    /** Writes counts and sums; {@link #read} gives the same bits back. */
    public void write(DataOutput out) throws IOException {
      model.write(out);
      popularity.write(out);
      newModel.write(out);
      newPopularity.write(out);
    }

    /** What {@link #write} wrote. */
    public static Result read(DataInput in) throws IOException {
      Result read = new Result();
      read.model.add(RankingMetrics.read(in));
      read.popularity.add(RankingMetrics.read(in));
      read.newModel.add(RankingMetrics.read(in));
      read.newPopularity.add(RankingMetrics.read(in));
      return read;
    }
  }

  private final Representations representations;
  private final ItemTable items;
  private final int negatives;
  private final Windows windows;
  private final int maxLen;
  private final int[] candidates;
  private final float[] s;
  private final List<Tower> towers;
  private final float[] scores;
  private final float[] ofTower;
  private int[] targets = {};
  private int[] rows = {};
  private long[] times = {};
  private int[] windowOf = {};
  private int count;

  /** By tower: the state before each event [count, width]. */
  private final float[][] hidden;

  /** Interactions of the events that were ranked before, by item. */
  private final Map<Integer, Integer> soFar = new HashMap<>();

  /**
   * An evaluation.
   *
   * @param negatives candidates beside the target, 99 in the paper
   */
  public Prequential(
      SequenceRecommender recommender,
      Representations representations,
      ItemTable items,
      int negatives) {
    this.representations = representations;
    this.items = items;
    this.negatives = negatives;
    maxLen = recommender.shape().maxLen();
    windows = new Windows(maxLen, representations);
    candidates = new int[negatives + 1];
    s = new float[(negatives + 1) * representations.dim()];
    towers = Tower.all(recommender, representations);
    scores = new float[negatives + 1];
    ofTower = towers.size() == 1 ? scores : new float[negatives + 1];
    hidden = new float[towers.size()][0];
  }

  /**
   * Evaluates windows, their fresh events in order of time: each counts as an interaction for those
   * after it (the table itself is not changed); events of one time go in the order of the windows.
   * Items that are not known are left out, as inputs and as targets.
   *
   * <p>One forward serves all fresh events of a window: each is predicted from what precedes it in
   * the window, at the position it has there, as in training. Alone it would stand at the last
   * position, behind up to {@code maxLen} events.
   */
  public Result evaluate(List<Window> all, Rng rng) {
    count = 0;
    for (int from = 0; from < all.size(); from += BATCH) {
      predict(all, from, Math.min(all.size(), from + BATCH));
    }
    Integer[] order = new Integer[count];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Long.compare(times[a], times[b]));
    Result result = new Result();
    soFar.clear();
    for (int i : order) {
      if (rows[i] >= 0) {
        int n = draw(targets[i], times[i], all.get(windowOf[i]).items, rng);
        if (n > 1) {
          score(i, n, result);
        } else {
          result.unranked++;
        }
      }
      soFar.merge(targets[i], 1, Integer::sum);
    }
    return result;
  }

  /** A forward over the windows [from, to); keeps the hidden states of each fresh event. */
  private void predict(List<Window> all, int from, int to) {
    windows.clear();
    int first = count;
    for (int w = from; w < to; w++) {
      pack(all.get(w), w);
    }
    windows.fill();
    for (int t = 0; t < hidden.length; t++) {
      int d = towers.get(t).width();
      float[] h = windows.run(towers.get(t));
      if (hidden[t].length < count * d) {
        hidden[t] = Arrays.copyOf(hidden[t], 2 * count * d);
      }
      for (int i = first; i < count; i++) {
        if (rows[i] >= 0) {
          System.arraycopy(h, rows[i] * d, hidden[t], i * d, d);
        }
      }
    }
  }

  private void pack(Window window, int number) {
    int length = window.items.length;
    int[] kept = new int[length];
    int n = 0;
    int[] before = new int[length];
    for (int i = 0; i < length; i++) {
      before[i] = n;
      if (items.known(window.items[i])) {
        kept[n++] = window.items[i];
      }
    }
    // The last known item is only a target, so it is no input.
    int last = n < 2 ? -1 : windows.add(kept, n - 1);
    for (int i = Math.max(0, length - window.fresh); i < length; i++) {
      // Row of the last known item before event i, unless it was cut off.
      int back = n - 1 - before[i];
      boolean predicted = items.known(window.items[i]) && before[i] > 0 && back < maxLen;
      keep(window.items[i], window.times[i], number, predicted ? last - back : -1);
    }
  }

  private void keep(int target, long time, int window, int row) {
    if (count == targets.length) {
      int more = 2 * count + 16;
      targets = Arrays.copyOf(targets, more);
      rows = Arrays.copyOf(rows, more);
      times = Arrays.copyOf(times, more);
      windowOf = Arrays.copyOf(windowOf, more);
    }
    targets[count] = target;
    rows[count] = row;
    times[count] = time;
    windowOf[count++] = window;
  }

  /** Fills candidates: the target, then distinct negatives; fewer where there are not enough. */
  private int draw(int target, long time, int[] history, Rng rng) {
    candidates[0] = target;
    int n = 1;
    int tries = 8 * negatives;
    while (n <= negatives && tries-- > 0) {
      int item = items.poolAt(rng.nextInt(items.poolCount()));
      if (items.arrival(item) <= time
          && !in(history, history.length, item)
          && !in(candidates, n, item)) {
        candidates[n++] = item;
      }
    }
    if (n <= negatives) {
      n = drawFromAll(n, time, history, rng);
    }
    return n;
  }

  /** Where most draws were refused: lists what is left and takes from it without replacement. */
  private int drawFromAll(int drawn, long time, int[] history, Rng rng) {
    int n = drawn;
    int[] left = new int[items.poolCount()];
    int m = 0;
    for (int i = 0; i < left.length; i++) {
      int item = items.poolAt(i);
      if (items.arrival(item) <= time
          && !in(history, history.length, item)
          && !in(candidates, n, item)) {
        left[m++] = item;
      }
    }
    while (n <= negatives && m > 0) {
      int at = rng.nextInt(m);
      candidates[n++] = left[at];
      left[at] = left[--m];
    }
    return n;
  }

  private static boolean in(int[] a, int n, int value) {
    for (int i = 0; i < n; i++) {
      if (a[i] == value) {
        return true;
      }
    }
    return false;
  }

  private void score(int event, int n, Result result) {
    rank(event, n);
    float own = scores[0];
    int popular = interactions(candidates[0]);
    double rank = 1;
    double popularRank = 1;
    for (int j = 1; j < n; j++) {
      rank += RankingMetrics.beats(scores[j], own);
      int liked = interactions(candidates[j]);
      popularRank += liked > popular ? 1 : liked == popular ? 0.5 : 0;
    }
    result.model.add(rank);
    result.popularity.add(popularRank);
    if (popular < NEW_ITEM_INTERACTIONS) {
      result.newModel.add(rank);
      result.newPopularity.add(popularRank);
    }
  }

  /** Scores of the first n candidates: with several towers, mean probabilities among them. */
  private void rank(int event, int n) {
    int d = representations.dim();
    representations.fill(candidates, n, s);
    Arrays.fill(scores, 0, n, 0f);
    for (int t = 0; t < hidden.length; t++) {
      Tower tower = towers.get(t);
      int width = tower.width();
      for (int j = 0; j < n; j++) {
        ofTower[j] =
            Kernels.dot(hidden[t], event * width, s, j * d + tower.from(), width)
                / tower.temperature();
      }
      if (hidden.length > 1) {
        tower.addProbabilities(ofTower, 0, n, scores, 0);
      }
    }
  }

  private int interactions(int item) {
    return items.interactions(item) + soFar.getOrDefault(item, 0);
  }
}
