package io.sidstream.model.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.math.Rng;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps whose targets are more than the candidates may be. */
class MaxTargetsTest {
  private static final int MOST = 24;
  private static final int NEGATIVES = 16;

  private static JointConfig config(int maxTargets, float logQ) {
    return JointConfig.builder()
        .contentDim(24)
        .hidden(List.of(32))
        .semanticDim(12)
        .idDim(4)
        .codewords(16)
        .ffn(32)
        .maxLen(12)
        .dropout(0.1f)
        .semanticShare(0.3f)
        .sharedNegatives(NEGATIVES)
        .maxTargets(maxTargets)
        .logQ(logQ)
        .batchUsers(32)
        .build();
  }

  private static JointTrainer trainer(JointConfig config, Catalogue c) {
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    return trainer;
  }

  @Test
  void aStepHasSoManyCandidatesAndNoMore() {
    JointConfig config = config(MOST, 0f);
    Catalogue c = new Catalogue(config, 240, 200, 10, 3);
    JointTrainer trainer = trainer(config, c);
    Rng batches = new Rng(2);
    for (int i = 0; i < 10; i++) {
      int[] batch = c.batch(32, batches);
      Set<Integer> targets = new HashSet<>();
      for (int user : batch) {
        int[] items = c.users.items(user);
        Arrays.stream(items, 1, items.length).forEach(targets::add);
      }
      assertThat(targets.size()).isGreaterThan(MOST);
      StepStats stats = trainer.step(batch, Phase.JOINT);
      assertThat(stats.positions()).isEqualTo(32 * 9);
      assertThat(stats.recommendation()).isFinite().isPositive();
      int candidates = trainer.batchCandidates();
      assertThat(candidates).isBetween(MOST, MOST + NEGATIVES);
      int[] slots = trainer.batchItems();
      assertThat(Arrays.stream(slots, 0, MOST).boxed()).isSubsetOf(targets).doesNotHaveDuplicates();
      // Who is a target and not in the sample is no negative either.
      assertThat(Arrays.stream(slots, MOST, candidates).boxed())
          .doesNotContainAnyElementsOf(targets);
      assertThat(Arrays.stream(slots).boxed().toList()).containsAll(targets);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, 1f})
  void itLearnsMuchAsWithAllTargets(float logQ) {
    double sampled = lossOfAll(config(MOST, logQ), 60);
    double all = lossOfAll(config(Integer.MAX_VALUE, logQ), 60);
    double untrained = lossOfAll(config(Integer.MAX_VALUE, logQ), 0);
    assertThat(sampled)
        .as("all targets give %s, none %s", all, untrained)
        .isLessThan(untrained - 0.7 * (untrained - all));
  }

  /** The loss over all targets after so many steps of the configuration. */
  private static double lossOfAll(JointConfig config, int steps) {
    Catalogue c = new Catalogue(config, 240, 200, 10, 3);
    JointTrainer trainer = trainer(config, c);
    Rng batches = new Rng(2);
    for (int i = 0; i < steps; i++) {
      trainer.step(c.batch(32, batches), Phase.JOINT);
    }
    JointConfig whole = config(Integer.MAX_VALUE, config.logQ());
    JointTrainer measure = new JointTrainer(whole, c.items, c.users, 1);
    System.arraycopy(
        trainer.recommender().parameters(),
        0,
        measure.recommender().parameters(),
        0,
        trainer.recommender().parameters().length);
    System.arraycopy(
        trainer.semanticRecommender().parameters(),
        0,
        measure.semanticRecommender().parameters(),
        0,
        trainer.semanticRecommender().parameters().length);
    System.arraycopy(
        trainer.quantizer().parameters(),
        0,
        measure.quantizer().parameters(),
        0,
        trainer.quantizer().parameters().length);
    measure.quantizer().replaceAverages(trainer.quantizer().averages());
    return measure.step(c.batch(64, new Rng(9)), Phase.JOINT).recommendation();
  }

  @Test
  void theSameSeedGivesTheSameBits() {
    JointConfig config = config(MOST, 1f);
    float[][] parameters = new float[2][];
    for (int i = 0; i < 2; i++) {
      Catalogue c = new Catalogue(config, 240, 200, 10, 3);
      JointTrainer trainer = trainer(config, c);
      Rng batches = new Rng(2);
      for (int step = 0; step < 10; step++) {
        trainer.step(c.batch(32, batches), Phase.JOINT);
      }
      parameters[i] = trainer.recommender().parameters();
    }
    assertThat(parameters[1]).isEqualTo(parameters[0]);
  }
}
