package io.sidstream.model.recommend;

import io.sidstream.model.math.Kernels;
import java.util.ArrayList;
import java.util.List;

/**
 * A recommender that reads a part of the representations, columns [from, to). Where there are
 * several, a ranking compares the mean of their probabilities: a mixture of softmaxes (after Yang
 * et al., arXiv 1711.03953).
 *
 * @param temperature what its scores are divided by before they become probabilities: those of a
 *     higher one are flatter, and leave the choice among a few items to the others
 * @param share what its probabilities count in the mean
 */
public record Tower(
    SequenceRecommender recommender, int from, int to, float temperature, float share) {
  /** Numbers of a representation that it reads. */
  public int width() {
    return to - from;
  }

  /** The recommender of whole representations, before those beside it. */
  public static List<Tower> all(SequenceRecommender recommender, Representations representations) {
    List<Tower> all = new ArrayList<>();
    float rest = 1f;
    for (Tower beside : representations.towers()) {
      rest -= beside.share;
    }
    all.add(new Tower(recommender, 0, representations.dim(), representations.temperature(), rest));
    all.addAll(representations.towers());
    return all;
  }

  /** The same for another thread. */
  public Tower twin() {
    return new Tower(recommender.twin(), from, to, temperature, share);
  }

  /**
   * Makes scores [n] probabilities (softmax, in place) and adds them, times the share.
   *
   * @param sum [n] from sumOff, added to
   */
  public void addProbabilities(float[] scores, int off, int n, float[] sum, int sumOff) {
    Kernels.softmax(scores, off, n);
    for (int j = 0; j < n; j++) {
      sum[sumOff + j] += share * scores[off + j];
    }
  }
}
