package io.sidstream.model.evaluate;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.Tower;
import java.util.Arrays;

/** Packs item sequences into a batch and runs recommenders over it. Not thread-safe. */
final class Windows {
  private final int maxLen;
  private final Representations representations;
  private int[] items = {};
  private float[] s = {};
  private float[] part = {};
  private int[] offsets = {0};
  private int count;

  Windows(int maxLen, Representations representations) {
    this.maxLen = maxLen;
    this.representations = representations;
  }

  void clear() {
    count = 0;
  }

  /** Adds the newest maxLen of sequence[0, n); returns the batch row of its last item. */
  int add(int[] sequence, int n) {
    int from = Math.max(0, n - maxLen);
    if (offsets.length < count + 2) {
      offsets = Arrays.copyOf(offsets, 2 * count + 2);
    }
    int at = offsets[count];
    if (items.length < at + n - from) {
      items = Arrays.copyOf(items, 2 * (at + n - from));
    }
    System.arraycopy(sequence, from, items, at, n - from);
    offsets[++count] = at + n - from;
    return offsets[count] - 1;
  }

  /** Fetches the representations of all rows. */
  void fill() {
    int rows = offsets[count];
    if (s.length < rows * representations.dim()) {
      s = new float[2 * rows * representations.dim()];
    }
    representations.fill(items, rows, s);
  }

  /** After fill: hidden states of all rows, [rows, width of the tower]. */
  float[] run(Tower tower) {
    int d = representations.dim();
    int width = tower.width();
    if (width == d) {
      return tower.recommender().forward(s, offsets, count);
    }
    int rows = offsets[count];
    if (part.length < rows * width) {
      part = new float[2 * rows * width];
    }
    Kernels.gatherColumns(s, d, tower.from(), width, rows, part);
    return tower.recommender().forward(part, offsets, count);
  }
}
