package io.sidstream.model.evaluate;

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
}
