package io.sidstream.model.learn;

import io.sidstream.model.math.Rng;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.serve.RankingModel;
import io.sidstream.model.train.JointConfig;
import java.util.ArrayList;
import java.util.List;

/** What of merged weights ranks. */
public final class ServedRanking {
  private ServedRanking() {}

  /** The recommenders of the weights, and how their scores become one. */
  public static RankingModel of(JointConfig config, RoundResult.Weights weights) {
    List<Tower> towers = new ArrayList<>();
    List<Tower> beside = new ArrayList<>();
    if (weights.semanticRecommender().length > 0) {
      beside.add(
          config.semanticTower(
              with(
                  new SequenceRecommender(config.semanticShape(), new Rng(0)),
                  weights.semanticRecommender())));
    }
    float rest = 1f;
    for (Tower tower : beside) {
      rest -= tower.share();
    }
    towers.add(
        new Tower(
            with(
                new SequenceRecommender(config.recommenderShape(), new Rng(0)),
                weights.recommender()),
            0,
            config.dim(),
            config.temperature(),
            rest));
    towers.addAll(beside);
    return new RankingModel(
        config.hasSemantic() ? config.semanticDim() : 0,
        config.hasId() ? config.idDim() : 0,
        towers);
  }

  private static SequenceRecommender with(SequenceRecommender to, float[] parameters) {
    System.arraycopy(parameters, 0, to.parameters(), 0, parameters.length);
    return to;
  }
}
