package io.sidstream.job.embed;

/** The text that an item was last embedded from, and its vector. */
public class EmbeddedText {
  /** SHA-256 of model and text. */
  public byte[] digest;

  /** {@code [content.dim]} */
  public float[] vector;
}
