package io.sidstream.model.learn;

import io.sidstream.model.learn.RoundResult.Level;
import io.sidstream.model.learn.RoundResult.Weights;
import io.sidstream.model.quantize.CodebookAverages;
import io.sidstream.model.train.JointTrainer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** What a trainer gives to the merge, and takes from it. */
public final class TrainerWeights {
  private static final float[] NONE = {};

  private TrainerWeights() {}

  /** The trainer's weights as they stand. A copy. */
  public static Weights of(JointTrainer trainer) {
    List<Level> levels = new ArrayList<>();
    if (trainer.quantizer() != null) {
      List<CodebookAverages> averages = trainer.quantizer().averages();
      BitSet[] reseeded = trainer.reseededCodewords();
      BitSet[] here = trainer.reseededHere();
      for (int l = 0; l < averages.size(); l++) {
        CodebookAverages a = averages.get(l);
        levels.add(new Level(a.counts(), a.sums(), a.codewords(), reseeded[l], here[l]));
      }
    }
    return new Weights(
        trainer.recommender().parameters().clone(),
        trainer.semanticRecommender() == null
            ? NONE
            : trainer.semanticRecommender().parameters().clone(),
        trainer.quantizer() == null ? NONE : trainer.quantizer().parameters().clone(),
        levels);
  }

  /**
   * Has the trainer go on from these weights. Adam's moments, step counts, the random numbers and
   * the tokenizer in use stay as they are; a trainer that takes its own weights is as it was.
   *
   * @throws IllegalArgumentException naming the part whose size is of another configuration; the
   *     trainer may then have taken others
   */
  public static void take(JointTrainer trainer, Weights weights) {
    copy("recommender", weights.recommender(), trainer.recommender().parameters());
    copy(
        "second recommender",
        weights.semanticRecommender(),
        trainer.semanticRecommender() == null ? NONE : trainer.semanticRecommender().parameters());
    copy(
        "quantizer",
        weights.quantizer(),
        trainer.quantizer() == null ? NONE : trainer.quantizer().parameters());
    if (!weights.levels().isEmpty()) {
      List<CodebookAverages> averages = new ArrayList<>();
      List<BitSet> reseeded = new ArrayList<>();
      for (Level level : weights.levels()) {
        averages.add(new CodebookAverages(level.counts(), level.sums(), level.codewords()));
        reseeded.add(level.reseeded());
      }
      trainer.quantizer().replaceAverages(averages);
      trainer.replaceReseeded(reseeded);
    }
  }

  private static void copy(String name, float[] from, float[] to) {
    if (from.length != to.length) {
      throw new IllegalArgumentException(
          "the %s of a merge has %d numbers, the trainer's %d: their configurations differ"
              .formatted(name, from.length, to.length));
    }
    System.arraycopy(from, 0, to, 0, to.length);
  }
}
