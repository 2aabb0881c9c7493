package io.sidstream.job.resolve;

/** How tokens that collide are told apart. */
public enum Strategy {
  /** The nearest last-level code that is free; a suffix where the prefix is full. */
  NEAREST_FREE,
  /** The codes stay as the quantizer chose them; a suffix is appended. */
  SUFFIX,
  /** Nothing is repaired: items may share a token. */
  NONE
}
