package io.sidstream.cli.train;

import io.sidstream.model.train.Quality;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Tells where a quantizer has collapsed: most codewords idle, or many items under one tuple. */
final class Collapse {
  /** A level that uses fewer of the codewords that it could use. */
  private static final double LEAST_USE = 0.25;

  /** A level whose perplexity is a smaller share of the codewords that it could use. */
  private static final double LEAST_PERPLEXITY = 0.1;

  /** A tuple that more of the items share. */
  private static final double MOST_SHARED = 0.05;

  private Collapse() {}

  /** One sentence for each collapse; empty where there is none. */
  static List<String> of(Quality quality, int codewords) {
    List<String> found = new ArrayList<>();
    double usable = Math.min(codewords, quality.items());
    for (int l = 0; l < quality.utilisation().length; l++) {
      double used = quality.utilisation()[l] * codewords;
      double perplexity = quality.perplexity()[l];
      if (used < LEAST_USE * usable || perplexity < LEAST_PERPLEXITY * usable) {
        found.add(
            String.format(
                Locale.ROOT,
                "level %d has collapsed: %.0f of %d codewords in use, perplexity %.1f",
                l + 1,
                used,
                codewords,
                perplexity));
      }
    }
    if (quality.largestCollision() > Math.max(1, MOST_SHARED * quality.items())) {
      found.add(
          String.format(
              Locale.ROOT,
              "%d of %d items share one code tuple",
              quality.largestCollision(),
              quality.items()));
    }
    return found;
  }
}
