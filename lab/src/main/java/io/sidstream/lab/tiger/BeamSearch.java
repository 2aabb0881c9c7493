package io.sidstream.lab.tiger;

import io.sidstream.model.evaluate.RankingMetrics;
import java.util.Arrays;

/**
 * The likeliest items after a history: beam search over the codes of a tuple, of which only those
 * are followed that lead to an item. A score is the sum of the codes' log-probabilities, each over
 * all codes of its place. Equal scores go to the lower tuple. Not thread-safe.
 */
public final class BeamSearch {
  private static final int BATCH = 64;

  private final GenerativeRecommender recommender;
  private final TupleTrie trie;
  private final int width;
  private final Histories histories;

  // The beams of a batch: nodes and scores, at most width for each history, best first.
  private int[] nodes;
  private double[] scores;
  private final int[] counts = new int[BATCH];
  private int[] nextNodes;
  private double[] nextScores;
  private final int[] parents;

  /** Codes so far of each beam, [., depth]. */
  private int[] paths;

  private int[] nextPaths;
  private int[] prefixes = {};
  private int[] owner = {};

  /**
   * What was found for a history.
   *
   * @param items best first; fewer than the beam is wide where the catalogue has no more
   * @param scores log-probability of each
   */
  public record Found(int[] items, double[] scores) {
    /**
     * Rank of an item from 1, ties counting half as in {@link RankingMetrics}; infinite where it
     * was not found.
     */
    public double rank(int item) {
      for (int i = 0; i < items.length; i++) {
        if (items[i] == item) {
          double rank = 1;
          for (int j = 0; j < items.length; j++) {
            rank += j == i ? 0 : RankingMetrics.beats(scores[j], scores[i]);
          }
          return rank;
        }
      }
      return Double.POSITIVE_INFINITY;
    }
  }

  /**
   * A search.
   *
   * @param width prefixes kept of a history after each code
   */
  public BeamSearch(GenerativeRecommender recommender, TupleTrie trie, int width) {
    if (width < 1) {
      throw new IllegalArgumentException("width is " + width + "; it must be 1 or more");
    }
    this.recommender = recommender;
    this.trie = trie;
    this.width = width;
    histories = new Histories(trie, recommender.shape().maxItems());
    int n = BATCH * width;
    nodes = new int[n];
    scores = new double[n];
    paths = new int[n * trie.depth()];
    nextNodes = new int[n];
    nextScores = new double[n];
    parents = new int[n];
    nextPaths = new int[n * trie.depth()];
  }

  /**
   * Searches.
   *
   * @param all histories, oldest item first; none is empty
   * @param masked for each history the items that must not be found
   */
  public Found[] search(int[][] all, int[][] masked) {
    Found[] found = new Found[all.length];
    for (int from = 0; from < all.length; from += BATCH) {
      search(all, masked, from, Math.min(BATCH, all.length - from), found);
    }
    return found;
  }

  private void search(int[][] all, int[][] masked, int from, int n, Found[] found) {
    histories.clear();
    int[][] places = new int[n][];
    for (int b = 0; b < n; b++) {
      histories.add(all[from + b], all[from + b].length);
      places[b] = Arrays.stream(trie.places(masked[from + b])).distinct().toArray();
      nodes[b * width] = 0;
      scores[b * width] = 0;
      counts[b] = 1;
    }
    recommender.encode(histories.codes(), histories.offsets(), n);
    for (int length = 0; length < trie.depth(); length++) {
      step(length, n, places);
    }
    for (int b = 0; b < n; b++) {
      int[] items = new int[counts[b]];
      for (int i = 0; i < items.length; i++) {
        items[i] = trie.itemOf(nodes[b * width + i]);
      }
      found[from + b] =
          new Found(items, Arrays.copyOfRange(scores, b * width, b * width + counts[b]));
    }
  }

  /** Extends all beams by one code. */
  private void step(int length, int n, int[][] masked) {
    int depth = trie.depth();
    int rows = 0;
    prefixes = grown(prefixes, n * width * Math.max(length, 1));
    owner = grown(owner, n * width);
    for (int b = 0; b < n; b++) {
      for (int i = b * width; i < b * width + counts[b]; i++) {
        System.arraycopy(paths, i * depth, prefixes, rows * length, length);
        owner[rows++] = b;
      }
    }
    float[] logs = recommender.decode(prefixes, length, rows, owner);
    int k = recommender.shape().codes().get(length);
    int row = 0;
    for (int b = 0; b < n; b++) {
      int first = b * width;
      int kept = 0;
      for (int i = first; i < first + counts[b]; i++, row++) {
        int end = trie.endOfChildren(nodes[i]);
        for (int child = trie.firstChild(nodes[i]); child < end; child++) {
          double score = scores[i] + logs[row * k + trie.code(child)];
          if (trie.open(child, masked[b])) {
            kept = keep(first, kept, child, score, i);
          }
        }
      }
      counts[b] = kept;
      for (int i = first; i < first + kept; i++) {
        System.arraycopy(paths, parents[i] * depth, nextPaths, i * depth, length);
        nextPaths[i * depth + length] = trie.code(nextNodes[i]);
      }
    }
    int[] swapNodes = nodes;
    nodes = nextNodes;
    nextNodes = swapNodes;
    double[] swapScores = scores;
    scores = nextScores;
    nextScores = swapScores;
    int[] swapPaths = paths;
    paths = nextPaths;
    nextPaths = swapPaths;
  }

  /** Puts a prefix in its place among the best of a history; returns how many are kept. */
  private int keep(int first, int kept, int node, double score, int parent) {
    int at = first + kept;
    while (at > first && before(score, node, at - 1)) {
      at--;
    }
    if (at == first + width) {
      return kept;
    }
    int moved = Math.min(first + kept, first + width - 1) - at;
    System.arraycopy(nextNodes, at, nextNodes, at + 1, moved);
    System.arraycopy(nextScores, at, nextScores, at + 1, moved);
    System.arraycopy(parents, at, parents, at + 1, moved);
    nextNodes[at] = node;
    nextScores[at] = score;
    parents[at] = parent;
    return Math.min(kept + 1, width);
  }

  private boolean before(double score, int node, int other) {
    return score > nextScores[other] || (score == nextScores[other] && node < nextNodes[other]);
  }

  private static int[] grown(int[] a, int n) {
    return a.length >= n ? a : new int[n];
  }
}
