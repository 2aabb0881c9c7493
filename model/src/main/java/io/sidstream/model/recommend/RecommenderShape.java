package io.sidstream.model.recommend;

/**
 * The sizes of a {@link SequenceRecommender}.
 *
 * @param dim width D of an item's representation and of every hidden state
 * @param heads attention heads; each is dim / heads wide (36 for the default of 72 with two heads,
 *     32 for 64)
 * @param ffn width of the feed-forward layer
 * @param blocks transformer blocks
 * @param maxLen longest sequence
 * @param dropout probability that a hidden value or an attention weight is dropped in training
 */
public record RecommenderShape(int dim, int heads, int ffn, int blocks, int maxLen, float dropout) {
  /** Checks every size. */
  public RecommenderShape {
    positive("dim", dim);
    positive("heads", heads);
    positive("ffn", ffn);
    positive("maxLen", maxLen);
    if (blocks < 0) {
      throw new IllegalArgumentException("blocks is " + blocks + "; it must be 0 or more");
    }
    if (dim % heads != 0) {
      throw new IllegalArgumentException(
          "dim " + dim + " cannot be divided into " + heads + " heads; change one of them");
    }
    if (!(dropout >= 0f && dropout < 1f)) {
      throw new IllegalArgumentException("dropout is " + dropout + "; it must be in [0, 1)");
    }
  }

  private static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be 1 or more");
    }
  }
}
