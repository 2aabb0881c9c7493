package io.sidstream.model.serve;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Ranks items from what is published alone: the codebooks of a token version, its recommenders, and
 * of each item the tuple that the quantizer chose (before a collision was repaired) and the ID
 * embedding. The bits are those of the trainer that published them:
 *
 * <pre>
 * s = [z ‖ e],  z = C_1[c_1] + ... + C_L[c_L], first level first,  e = 0 where none is published
 * score of item j = ⟨h, s_j⟩ / temperature                                  (one recommender)
 *                 = Σ over recommenders of share · softmax_j(⟨h, s_j⟩ / temperature)   (several)
 * </pre>
 *
 * with h the last hidden state of a recommender over the newest {@code maxLen} items of a history.
 * Not thread-safe.
 *
 * <pre>{@code
 * ServedModel model = new ServedModel(codebooks, RankingModel.fromBytes(part), items);
 * List<ServedModel.Ranked> next = model.top(history, 10);
 * }</pre>
 */
public final class ServedModel implements Representations {
  /** Items whose representations lie in memory at once. */
  private static final int BLOCK = 1024;

  private final List<Codebook> codebooks;
  private final RankingModel ranking;
  private final List<Item> items;
  private float[] history = {};
  private float[] part = {};
  private float[] block = {};

  /**
   * What is published of an item.
   *
   * @param codes {@code [levels]} as the quantizer chose them
   * @param e {@code [idDim]}; null where none is published, which is the same as 0
   */
  public record Item(int[] codes, float[] e) {}

  /**
   * An item in its place.
   *
   * @param item index of the item
   * @param score the higher the better; with several recommenders a probability among the
   *     candidates
   */
  public record Ranked(int item, float score) {}

  /**
   * A model and the items that it knows.
   *
   * @param codebooks first level first; empty where representations have no z
   * @param items by index
   * @throws IllegalArgumentException where the parts do not fit each other, or an item does not fit
   *     them
   */
  public ServedModel(List<Codebook> codebooks, RankingModel ranking, List<Item> items) {
    this.codebooks = List.copyOf(codebooks);
    this.ranking = ranking;
    this.items = List.copyOf(items);
    int width = codebooks.isEmpty() ? 0 : codebooks.get(0).dim();
    if (width != ranking.semanticDim()) {
      throw new IllegalArgumentException(
          "codewords have %d numbers, the recommenders read %d of z: they are of several versions"
              .formatted(width, ranking.semanticDim()));
    }
    for (int i = 0; i < items.size(); i++) {
      requireFits(i);
    }
  }

  private void requireFits(int index) {
    Item item = items.get(index);
    if (item.codes.length != codebooks.size()) {
      throw new IllegalArgumentException(
          "item %d has %d codes, there are %d codebooks"
              .formatted(index, item.codes.length, codebooks.size()));
    }
    for (int l = 0; l < item.codes.length; l++) {
      if (item.codes[l] < 0 || item.codes[l] >= codebooks.get(l).size()) {
        throw new IllegalArgumentException(
            "item %d has code %d at level %d, whose codebook has %d"
                .formatted(index, item.codes[l], l + 1, codebooks.get(l).size()));
      }
    }
    if (item.e != null && item.e.length != ranking.idDim()) {
      throw new IllegalArgumentException(
          "item %d has an ID embedding of %d numbers, the recommenders read %d"
              .formatted(index, item.e.length, ranking.idDim()));
    }
  }

  /** Number of items. */
  public int size() {
    return items.size();
  }

  /** The recommender of whole representations; {@link #towers()} are beside it. */
  public SequenceRecommender recommender() {
    return ranking.towers().get(0).recommender();
  }

  @Override
  public int dim() {
    return ranking.dim();
  }

  @Override
  public List<Tower> towers() {
    return ranking.towers().subList(1, ranking.towers().size());
  }

  @Override
  public float temperature() {
    return ranking.towers().get(0).temperature();
  }

  @Override
  public void fill(int[] rows, int n, float[] out) {
    int d = dim();
    for (int i = 0; i < n; i++) {
      Item item = items.get(rows[i]);
      Arrays.fill(out, i * d, (i + 1) * d, 0f);
      // From 0 on and first level first, as the quantizer adds them.
      for (int l = 0; l < item.codes.length; l++) {
        codebooks.get(l).addTo(item.codes[l], 1f, out, i * d);
      }
      if (item.e != null) {
        System.arraycopy(item.e, 0, out, i * d + ranking.semanticDim(), item.e.length);
      }
    }
  }

  /**
   * Scores of candidates after a history.
   *
   * @param history item indices, oldest first, at least one; the newest {@code maxLen} count
   * @param candidates item indices
   * @return {@code [candidates]}
   * @throws IllegalStateException where a score is NaN
   */
  public float[] scores(int[] history, int[] candidates) {
    if (history.length == 0) {
      throw new IllegalArgumentException("the history is empty; expected: at least one item");
    }
    List<Tower> towers = ranking.towers();
    float[][] hidden = new float[towers.size()][];
    for (int t = 0; t < hidden.length; t++) {
      hidden[t] = lastHidden(towers.get(t), history);
    }
    float[][] ofTower = new float[towers.size()][candidates.length];
    for (int from = 0; from < candidates.length; from += BLOCK) {
      int n = Math.min(BLOCK, candidates.length - from);
      scoreBlock(hidden, Arrays.copyOfRange(candidates, from, from + n), ofTower, from);
    }
    float[] scores = ofTower[0];
    if (towers.size() > 1) {
      scores = new float[candidates.length];
      for (int t = 0; t < ofTower.length; t++) {
        towers.get(t).addProbabilities(ofTower[t], 0, candidates.length, scores, 0);
      }
    }
    for (int j = 0; j < scores.length; j++) {
      if (Float.isNaN(scores[j])) {
        throw new IllegalStateException(
            "the score of item %d is NaN: the published model's numbers are not finite"
                .formatted(candidates[j]));
      }
    }
    return scores;
  }

  private void scoreBlock(float[][] hidden, int[] candidates, float[][] ofTower, int at) {
    int d = dim();
    block = grown(block, candidates.length * d);
    fill(candidates, candidates.length, block);
    for (int t = 0; t < hidden.length; t++) {
      Tower tower = ranking.towers().get(t);
      for (int j = 0; j < candidates.length; j++) {
        ofTower[t][at + j] =
            Kernels.dot(hidden[t], 0, block, j * d + tower.from(), tower.width())
                / tower.temperature();
      }
    }
  }

  /** h of a recommender behind the last item of a history, [width]. */
  private float[] lastHidden(Tower tower, int[] all) {
    int n = Math.min(all.length, tower.recommender().shape().maxLen());
    int d = dim();
    int width = tower.width();
    history = grown(history, n * d);
    fill(Arrays.copyOfRange(all, all.length - n, all.length), n, history);
    part = grown(part, n * width);
    Kernels.gatherColumns(history, d, tower.from(), width, n, part);
    float[] h = tower.recommender().forward(part, new int[] {0, n}, 1);
    return Arrays.copyOfRange(h, (n - 1) * width, n * width);
  }

  /**
   * The best items after a history, those of the history left out; of the same score the lower
   * index comes first.
   *
   * @param most how many at most
   */
  public List<Ranked> top(int[] history, int most) {
    BitSet seen = new BitSet();
    for (int item : history) {
      seen.set(item);
    }
    int[] candidates = new int[items.size()];
    int n = 0;
    for (int i = 0; i < candidates.length; i++) {
      if (!seen.get(i)) {
        candidates[n++] = i;
      }
    }
    float[] scores = scores(history, Arrays.copyOf(candidates, n));
    Comparator<Ranked> worstFirst =
        Comparator.comparingDouble(Ranked::score)
            .thenComparing(Comparator.comparingInt(Ranked::item).reversed());
    PriorityQueue<Ranked> best = new PriorityQueue<>(worstFirst);
    for (int j = 0; j < n; j++) {
      best.add(new Ranked(candidates[j], scores[j]));
      if (best.size() > most) {
        best.poll();
      }
    }
    List<Ranked> ranked = new ArrayList<>(best);
    ranked.sort(worstFirst.reversed());
    return ranked;
  }

  private static float[] grown(float[] a, int n) {
    return a.length >= n ? a : new float[n + n / 4];
  }
}
