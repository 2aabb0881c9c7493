package io.sidstream.model.train;

/** What a training step moves. */
public enum Phase {
  /** Everything, at full speed: the bootstrap, and offline training. */
  JOINT,
  /**
   * Recommender and ID embeddings; z is that of the token version in use. Of its items only those
   * that have no codes yet are encoded, once, with the tokenizer in use.
   */
  RECOMMENDER,
  /** Everything, the quantizer with the slow learning rate and decay. */
  QUANTIZER_SLOW,
  /** The quantizer alone, by its own losses: the first of two stages (what TIGER does). */
  QUANTIZER_ALONE
}
