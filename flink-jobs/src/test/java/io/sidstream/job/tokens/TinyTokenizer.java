package io.sidstream.job.tokens;

import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Tokenizers of a few codewords, so that collisions, full prefixes and moves are frequent. */
final class TinyTokenizer {
  static final int DIMENSION = 4;
  static final int LEVELS = 3;

  private TinyTokenizer() {}

  /** The encoder is the identity; the codebooks of version v are those of v - 1, moved a little. */
  static TokenizerUpdate update(long seed, int version, int codewords, float tolerance) {
    int size = codewords * DIMENSION;
    float[] all = new float[LEVELS * size];
    for (int v = 1; v <= version; v++) {
      Random random = new Random(seed * 31 + v);
      for (int i = 0; i < all.length; i++) {
        all[i] += (float) random.nextGaussian() / (1 + i / size) * (v == 1 ? 1f : 0.3f);
      }
    }
    List<Codebook> books = new ArrayList<>();
    for (int l = 0; l < LEVELS; l++) {
      float[] book = Arrays.copyOfRange(all, l * size, (l + 1) * size);
      books.add(new Codebook(Metric.EUCLIDEAN, codewords, DIMENSION, book));
    }
    float[] weights = new float[DIMENSION * DIMENSION + DIMENSION];
    for (int j = 0; j < DIMENSION; j++) {
      weights[j * DIMENSION + j] = 1f;
    }
    float[] tolerances = new float[LEVELS];
    Arrays.fill(tolerances, tolerance);
    TokenizerUpdate update = new TokenizerUpdate();
    update.version = version;
    update.revision = 10L * version;
    update.tokenizer =
        new TokenizerModel(
                new int[] {DIMENSION, DIMENSION}, weights, new ResidualQuantizer(books), tolerances)
            .toBytes();
    return update;
  }
}
