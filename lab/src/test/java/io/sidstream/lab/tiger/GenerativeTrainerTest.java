package io.sidstream.lab.tiger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.evaluate.RankingMetrics;
import io.sidstream.model.math.Rng;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Users walk round a circle of items, each a fixed stride on: the next item is predictable. */
class GenerativeTrainerTest {
  private static final int ITEMS = 48;
  private static final int USERS = 96;
  private static final int STRIDE = 5;
  private final int[][] sequences = new int[USERS][6];
  private final int[] targets = new int[USERS];
  private final TupleTrie trie;

  GenerativeTrainerTest() {
    Rng rng = new Rng(1);
    int[] codes = new int[2 * ITEMS];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = rng.nextInt(5);
    }
    trie = new TupleTrie(codes, ITEMS, 2, 5);
    for (int u = 0; u < USERS; u++) {
      int at = rng.nextInt(ITEMS);
      for (int t = 0; t < 6; t++) {
        sequences[u][t] = (at + t * STRIDE) % ITEMS;
      }
      targets[u] = (at + 6 * STRIDE) % ITEMS;
    }
  }

  private GenerativeTrainer trainer(long seed) {
    return new GenerativeTrainer(
        trie, new GeneratorShape(trie.sizes(), 32, 2, 64, 1, 4, 0.1f), sequences, seed);
  }

  private static double train(GenerativeTrainer trainer, int epochs) {
    int[] users = new int[USERS];
    Arrays.setAll(users, u -> u);
    double loss = 0;
    for (int e = 0; e < epochs; e++) {
      loss = 0;
      for (int from = 0; from < USERS; from += 32) {
        loss += trainer.step(Arrays.copyOfRange(users, from, from + 32), 3e-3f) / 3;
      }
    }
    return loss;
  }

  private static byte[] state(GenerativeTrainer trainer) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    trainer.writeState(new DataOutputStream(bytes));
    return bytes.toByteArray();
  }

  @Test
  void learnsWhatIsPredictable() {
    GenerativeTrainer trainer = trainer(3);
    double first = train(trainer, 1);
    double last = train(trainer, 150);
    assertThat(last).isLessThan(0.3 * first);
    RankingMetrics metrics = new RankingMetrics();
    for (double rank : trainer.ranks(sequences, targets, 10)) {
      metrics.add(rank);
    }
    // Chance is 1 of 48.
    assertThat(metrics.hr(1)).isGreaterThan(0.8);
    assertThat(metrics.hr(10)).isGreaterThan(0.9);
  }

  @Test
  void theSameSeedGivesTheSameBitsAndAStateGoesOnAsTheTrainerDoes() throws IOException {
    GenerativeTrainer a = trainer(3);
    train(a, 2);
    byte[] saved = state(a);
    GenerativeTrainer b = trainer(3);
    train(b, 2);
    assertThat(state(b)).isEqualTo(saved);
    GenerativeTrainer other = trainer(4);
    train(other, 2);
    assertThat(state(other)).isNotEqualTo(saved);
    GenerativeTrainer restored = trainer(3);
    restored.readState(new DataInputStream(new ByteArrayInputStream(saved)));
    train(a, 1);
    train(restored, 1);
    assertThat(state(restored)).isEqualTo(state(a));
  }

  @Test
  void usersWithNothingToLearnOrTestAreLeftOut() {
    GenerativeTrainer trainer =
        new GenerativeTrainer(
            trie,
            new GeneratorShape(trie.sizes(), 8, 2, 8, 1, 4, 0f),
            new int[][] {{1}, {}, {2, 3}},
            1);
    float[] before = trainer.recommender().parameters().clone();
    assertThat(trainer.step(new int[] {0, 1}, 1e-3f)).isZero();
    assertThat(trainer.recommender().parameters()).isEqualTo(before);
    assertThat(trainer.step(new int[] {0, 1, 2}, 1e-3f)).isPositive();
    double[] ranks = trainer.ranks(new int[][] {{1, 2}, {}, {4}}, new int[] {2, 0, 5}, ITEMS);
    assertThat(ranks[0]).as("a target in its own history is still found").isBetween(1.0, 47.0);
    assertThat(ranks[1]).isNaN();
    assertThat(ranks[2]).isBetween(1.0, 47.0);
  }

  @Test
  void aShapeOfOtherTuplesIsRefused() {
    assertThatThrownBy(
            () ->
                new GenerativeTrainer(
                    trie, new GeneratorShape(List.of(5, 5), 8, 2, 8, 1, 4, 0f), sequences, 1))
        .hasMessageContaining("the shape is for codes [5, 5], the trie has " + trie.sizes());
  }
}
