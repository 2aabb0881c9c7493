package io.sidstream.job.embed;

import java.util.List;

/** Texts to content vectors. For one thread. */
public interface TextEmbedder extends AutoCloseable {
  /**
   * The vectors of some texts, each of norm 1 and dependent on its text alone but for rounding.
   *
   * @return {@code [texts][dim]}, in the order of the texts
   */
  float[][] embed(List<String> texts);

  @Override
  void close();
}
