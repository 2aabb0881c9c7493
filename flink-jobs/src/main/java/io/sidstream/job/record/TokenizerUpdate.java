package io.sidstream.job.record;

/** A token version, broadcast to Tokenize. */
public class TokenizerUpdate {
  /** Token version, from 1. */
  public int version;

  /** Recommender revision in use when the version was made. */
  public long revision;

  /** The tokenizer: encoder, codebooks and stability tolerance, in the format of TokenizerModel. */
  public byte[] tokenizer;
}
