package io.sidstream.lab.tiger;

import io.sidstream.model.recommend.RecommenderShape;
import java.util.List;

/**
 * The sizes of a {@link GenerativeRecommender}.
 *
 * @param codes how many codes there are at each place of a tuple
 * @param dim width D of every hidden state
 * @param heads attention heads; each is dim / heads wide
 * @param ffn width of the feed-forward layers
 * @param blocks blocks of the encoder, and of the decoder
 * @param maxItems items of a history that are read at most, the newest
 * @param dropout probability that a hidden value or an attention weight is dropped in training
 */
public record GeneratorShape(
    List<Integer> codes, int dim, int heads, int ffn, int blocks, int maxItems, float dropout) {
  /** Checks every size. */
  public GeneratorShape {
    codes = List.copyOf(codes);
    if (codes.isEmpty()) {
      throw new IllegalArgumentException("codes is empty; a tuple has one code or more");
    }
    for (int n : codes) {
      if (n < 1) {
        throw new IllegalArgumentException("codes is " + codes + "; each must be 1 or more");
      }
    }
    if (maxItems < 1) {
      throw new IllegalArgumentException("maxItems is " + maxItems + "; it must be 1 or more");
    }
    // Checks dim, heads, ffn, blocks and dropout.
    new RecommenderShape(dim, heads, ffn, blocks, 1, dropout);
  }

  /** Compact, for a CPU: D 128, 4 heads of 32, 2 + 2 blocks, FFN 512, 20 items. */
  public static GeneratorShape compact(List<Integer> codes, float dropout) {
    return new GeneratorShape(codes, 128, 4, 512, 2, 20, dropout);
  }

  /** Codes of a tuple. */
  public int depth() {
    return codes.size();
  }

  /** Codes of all places together. */
  int vocabulary() {
    return codes.stream().mapToInt(Integer::intValue).sum();
  }

  RecommenderShape encoder() {
    return new RecommenderShape(dim, heads, ffn, blocks, maxItems * depth(), dropout);
  }

  RecommenderShape decoder() {
    return new RecommenderShape(dim, heads, ffn, blocks, depth(), dropout);
  }
}
