package io.sidstream.cli.ui;

import io.sidstream.cli.recommend.PublishedRanking;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the published recommender expects after a history, code by code. It ranks items, so that the
 * probability of a code is the sum over the items below it:
 *
 * <pre>
 * p_j = softmax_j(score_j) over all items but those of the history
 * p(c | prefix) = Σ_{j below prefix, c} p_j / Σ_{j below prefix} p_j
 * </pre>
 *
 * Where there are several recommenders a score is a probability already and is only scaled.
 */
final class HistoryDecoder {
  private final Map<String, Double> probabilities = new HashMap<>();
  private final long revision;

  /**
   * Ranks all items.
   *
   * @param history items that the ranking knows, oldest first, one at least
   */
  HistoryDecoder(PublishedRanking ranking, List<String> history) {
    revision = ranking.revision();
    int[] past = history.stream().mapToInt(ranking::index).toArray();
    boolean[] seen = new boolean[ranking.names().size()];
    for (int item : past) {
      seen[item] = true;
    }
    int[] candidates = new int[seen.length];
    int n = 0;
    for (int i = 0; i < seen.length; i++) {
      if (!seen[i]) {
        candidates[n++] = i;
      }
    }
    if (n == 0) {
      return;
    }
    float[] scores = ranking.model().scores(past, Arrays.copyOf(candidates, n));
    double[] p = probabilities(scores, !ranking.model().towers().isEmpty());
    for (int i = 0; i < n; i++) {
      probabilities.put(ranking.names().get(candidates[i]), p[i]);
    }
  }

  /** Sums to 1. */
  static double[] probabilities(float[] scores, boolean already) {
    double greatest = Double.NEGATIVE_INFINITY;
    for (float score : scores) {
      greatest = Math.max(greatest, score);
    }
    double sum = 0;
    double[] p = new double[scores.length];
    for (int i = 0; i < p.length; i++) {
      p[i] = already ? scores[i] : Math.exp(scores[i] - greatest);
      sum += p[i];
    }
    for (int i = 0; i < p.length; i++) {
      p[i] = sum > 0 ? p[i] / sum : 0;
    }
    return p;
  }

  /** Of the recommender. */
  long revision() {
    return revision;
  }

  /** Probability of an item; 0 for those of the history and those that are new. */
  double of(String item) {
    return probabilities.getOrDefault(item, 0.0);
  }

  /** What is below a code. */
  static final class Below {
    double probability;
    int items;
    String best;
    private double bestProbability = -1;

    private void add(String item, double p) {
      probability += p;
      items++;
      if (p > bestProbability) {
        bestProbability = p;
        best = item;
      }
    }
  }

  /** By the code that follows the prefix; probabilities are those after the prefix. */
  Map<Integer, Below> step(TokenTree tree, int... prefix) {
    Map<Integer, Below> codes = new TreeMap<>();
    double sum = 0;
    for (String item : tree.items(prefix)) {
      double p = of(item);
      sum += p;
      codes.computeIfAbsent(tree.get(item).codes()[prefix.length], c -> new Below()).add(item, p);
    }
    for (Below below : codes.values()) {
      below.probability = sum > 0 ? below.probability / sum : 0;
    }
    return codes;
  }
}
