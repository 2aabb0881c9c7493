package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.learn.RoundResult.Weights;
import io.sidstream.model.train.Phase;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrainerWeightsTest {
  private static byte[] state(LearntCatalogue c) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    c.trainer.writeState(new DataOutputStream(bytes));
    return bytes.toByteArray();
  }

  @Test
  void whoTakesItsOwnWeightsIsAsItWas() throws IOException {
    LearntCatalogue c = new LearntCatalogue().steps(20, Phase.JOINT);
    LearntCatalogue same = new LearntCatalogue().steps(20, Phase.JOINT);
    TrainerWeights.take(same.trainer, TrainerWeights.of(same.trainer));
    assertThat(state(same)).isEqualTo(state(c));
    assertThat(state(same.steps(5, Phase.JOINT))).isEqualTo(state(c.steps(5, Phase.JOINT)));
  }

  @Test
  void whoTakesOthersKeepsItsMomentsAndItsCodewordsOfTheRound() {
    LearntCatalogue one = new LearntCatalogue().steps(20, Phase.JOINT);
    LearntCatalogue other = new LearntCatalogue(5).steps(20, Phase.JOINT);
    Weights weights = TrainerWeights.of(one.trainer);
    assertThat(weights.levels()).anyMatch(l -> !l.reseededHere().isEmpty());
    long steps = other.trainer.steps();
    TrainerWeights.take(other.trainer, weights);
    assertThat(other.trainer.steps()).isEqualTo(steps);
    Weights taken = TrainerWeights.of(other.trainer);
    assertThat(taken.recommender()).isEqualTo(weights.recommender());
    assertThat(taken.semanticRecommender()).isEqualTo(weights.semanticRecommender());
    assertThat(taken.quantizer()).isEqualTo(weights.quantizer());
    for (int l = 0; l < taken.levels().size(); l++) {
      assertThat(taken.levels().get(l).counts()).isEqualTo(weights.levels().get(l).counts());
      assertThat(taken.levels().get(l).sums()).isEqualTo(weights.levels().get(l).sums());
      assertThat(taken.levels().get(l).codewords()).isEqualTo(weights.levels().get(l).codewords());
      assertThat(taken.levels().get(l).reseeded()).isEqualTo(weights.levels().get(l).reseeded());
      assertThat(taken.levels().get(l).reseededHere().isEmpty()).isTrue();
    }
    assertThat(other.trainer.quantizer().quantizer().codebook(0).codewords())
        .isEqualTo(weights.levels().get(0).codewords());
    // A copy: what the trainer learns from here on is its own.
    other.steps(1, Phase.JOINT);
    assertThat(TrainerWeights.of(one.trainer).recommender()).isEqualTo(weights.recommender());
  }

  @Test
  void weightsOfAnotherShapeAreNamed() {
    LearntCatalogue c = new LearntCatalogue();
    Weights w = TrainerWeights.of(c.trainer);
    assertThatThrownBy(
            () ->
                TrainerWeights.take(
                    c.trainer,
                    new Weights(new float[3], w.semanticRecommender(), w.quantizer(), List.of())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("recommender of a merge has 3 numbers");
  }
}
