package io.sidstream.model.learn;

/** What a round moves, and so what it needs. */
public enum RoundKind {
  /** The first training, of everything at full speed; its last round makes token version 1. */
  BOOTSTRAP,
  /** Recommender and ID embeddings; no token changes. */
  RECOMMENDER,
  /** The quantizer too, gently: ends in a candidate for the next token version. */
  QUANTIZER;

  /** Whether items are encoded in it, so that their content is needed. */
  public boolean encodes() {
    return this != RECOMMENDER;
  }
}
