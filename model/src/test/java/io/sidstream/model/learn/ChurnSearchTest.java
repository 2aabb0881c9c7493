package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.train.Phase;
import java.util.Arrays;
import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChurnSearchTest {
  private static final int N = LearntCatalogue.ITEMS;

  private static LearntCatalogue moved() {
    return moved(60);
  }

  /** A quantizer that went on after its first version, which it made after so many steps. */
  private static LearntCatalogue moved(int steps) {
    LearntCatalogue c = new LearntCatalogue().steps(steps, Phase.JOINT);
    c.adopt();
    return c.steps(15, Phase.QUANTIZER_SLOW);
  }

  private static ChurnSearch search(LearntCatalogue c, TokenizerModel tokenizer, BitSet old) {
    float[] f = EncodedItems.encoderOutput(tokenizer, c.catalogue.items);
    return new ChurnSearch(
        tokenizer.quantizer(), f, N, Arrays.copyOf(c.catalogue.items.codes(), 3 * N), old);
  }

  private static double churnOf(LearntCatalogue c, TokenizerModel tokenizer, int from, int to) {
    EncodeResult encoded = new EncodeResult();
    int[] before = Arrays.copyOf(c.catalogue.items.codes(), 3 * N);
    tokenizer.encode(c.catalogue.items.content(), N, before, encoded);
    int changed = 0;
    for (int i = from; i < to; i++) {
      changed += Arrays.equals(before, 3 * i, 3 * i + 3, encoded.codes, 3 * i, 3 * i + 3) ? 0 : 1;
    }
    return (double) changed / (to - from);
  }

  /** What it measures is what the tokenizer does, and what it finds is what the trainer found. */
  @ParameterizedTest
  @ValueSource(doubles = {0.09, 0.2, 0.4})
  void itFindsTheLeastToleranceWithinTheBudget(double budget) {
    LearntCatalogue c = moved();
    TokenizerModel nearest = c.trainer.candidate(new float[3]);
    int newcomers = 200;
    BitSet old = new BitSet();
    old.set(0, newcomers);
    ChurnSearch search = search(c, nearest, old);
    assertThat(search.churn(new float[3])).isGreaterThan(0.4);
    float[] found = search.within(budget);
    TokenizerModel kept = nearest.withTolerance(found);
    double churn = Math.max(churnOf(c, kept, 0, N), churnOf(c, kept, 0, newcomers));
    assertThat(search.churn(found)).isEqualTo(churn).isLessThanOrEqualTo(budget);
    float[] less = found.clone();
    for (int l = 0; l < 3; l++) {
      less[l] *= 0.93f;
    }
    assertThat(search.churn(less)).isGreaterThan(budget);
    float[] base = {.1f, .1f, .1f};
    TokenizerModel before = c.trainer.candidateWithin(budget, newcomers, base, 40f, 20_000);
    assertThat(found).containsExactly(before.tolerance());
  }

  /** The encoder's output and its quantization apart give the bits of both in one. */
  @Test
  void codesAreThoseOfTheTokenizer() {
    LearntCatalogue c = moved();
    TokenizerModel nearest = c.trainer.candidate(new float[3]);
    float[] f = EncodedItems.encoderOutput(nearest, c.catalogue.items);
    for (float t : new float[] {0f, 0.03f, 0.2f, 3f}) {
      float[] tolerance = {t, t, t};
      EncodeResult expected = new EncodeResult();
      nearest
          .withTolerance(tolerance)
          .encode(c.catalogue.items.content(), N, c.catalogue.items.codes(), expected);
      EncodedItems encoded =
          EncodedItems.candidate(nearest.quantizer(), f, c.catalogue.items, tolerance);
      assertThat(Arrays.copyOf(encoded.codes(), 3 * N))
          .isEqualTo(Arrays.copyOf(expected.codes, 3 * N));
      assertThat(Arrays.copyOf(encoded.z(), 12 * N)).isEqualTo(Arrays.copyOf(expected.z, 12 * N));
    }
  }

  @Test
  void noToleranceIsSearchedForWhereNothingMoved() {
    LearntCatalogue c = new LearntCatalogue().steps(5, Phase.JOINT);
    TokenizerModel same = c.adopt();
    BitSet all = new BitSet();
    all.set(0, N);
    assertThat(search(c, same, all).within(0)).containsExactly(0f, 0f, 0f);
    assertThat(new ChurnSearch(same.quantizer(), new float[0], 0, new int[0], all).within(0))
        .containsExactly(0f, 0f, 0f);
  }

  /** Beside a codeword that is almost met, a relative distance keeps none. */
  @Test
  void theGreatestIsTakenWhereNoneKeepsTheBudget() {
    LearntCatalogue c = moved(40);
    ChurnSearch search = search(c, c.trainer.candidate(new float[3]), new BitSet());
    float[] greatest = search.within(0.01);
    assertThat(greatest).containsExactly(4f, 4f, 4f);
    assertThat(search.churn(greatest)).isGreaterThan(0.01);
  }
}
