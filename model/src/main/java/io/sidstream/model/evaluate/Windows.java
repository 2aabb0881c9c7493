package io.sidstream.model.evaluate;

import io.sidstream.model.recommend.SequenceRecommender;

/** Packs item sequences into a batch and runs the recommender over it. Not thread-safe. */
final class Windows {
  private final SequenceRecommender recommender;
  private final Representations representations;
  private int[] items = {};
  private float[] s = {};
  private int[] offsets = {0};
  private int count;

  Windows(SequenceRecommender recommender, Representations representations) {
    this.recommender = recommender;
    this.representations = representations;
  }

  void clear() {
    count = 0;
  }

  /** Adds the newest maxLen of sequence[0, n); returns the batch row of its last item. */
  int add(int[] sequence, int n) {
    int from = Math.max(0, n - recommender.shape().maxLen());
    if (offsets.length < count + 2) {
      offsets = java.util.Arrays.copyOf(offsets, 2 * count + 2);
    }
    int at = offsets[count];
    if (items.length < at + n - from) {
      items = java.util.Arrays.copyOf(items, 2 * (at + n - from));
    }
    System.arraycopy(sequence, from, items, at, n - from);
    offsets[++count] = at + n - from;
    return offsets[count] - 1;
  }

  /** Hidden states of all rows. */
  float[] run() {
    int rows = offsets[count];
    if (s.length < rows * representations.dim()) {
      s = new float[2 * rows * representations.dim()];
    }
    representations.fill(items, rows, s);
    return recommender.forward(s, offsets, count);
  }
}
