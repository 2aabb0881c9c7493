package io.sidstream.model.recommend;

import java.util.List;

/** Where an evaluation takes items' representations from. */
public interface Representations {
  /** Width of a representation. */
  int dim();

  /**
   * Writes the representations s of items.
   *
   * @param items dense indices of known items
   * @param n how many of them
   * @param out out: [n, dim]
   */
  void fill(int[] items, int n, float[] out);

  /** Recommenders beside that of the whole representation, whose probabilities count too. */
  default List<Tower> towers() {
    return List.of();
  }

  /** What scores of the whole representation are divided by before they become probabilities. */
  default float temperature() {
    return 1f;
  }
}
