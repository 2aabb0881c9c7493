package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.train.JointConfig;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LearnPlanTest {
  private static LearnPlan plan(int shards) {
    return new LearnPlan(
        JointConfig.builder().build(),
        7,
        shards,
        new LearnPlan.Rounds(1000, 10, 2, 20),
        new LearnPlan.Steps(160, 0.5),
        new LearnPlan.Bootstrap(1, 100, 10, 4),
        new GateRules(true, 0.3, 0.5, 0.2, 0.1, 0.05),
        0.02);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void afterTheBootstrapShardsShareWhatAStepTakes(int shards) {
    LearnPlan plan = plan(shards);
    long after = plan.bootstrapRounds() + 1;
    assertThat(plan.stepsOf(after, 1_000_000)).isEqualTo(plan(1).stepsOf(2, 1_000_000));
    assertThat(shards * plan.stepOf(after).positions()).isEqualTo(160);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void inTheBootstrapTheyShareTheSteps(int shards) {
    LearnPlan plan = plan(shards);
    int steps = 0;
    for (long round = 1; round <= plan.bootstrapRounds(); round++) {
      assertThat(plan.stepOf(round).positions()).isEqualTo(160);
      steps += shards * plan.stepsOf(round, 1_000_000);
    }
    assertThat(steps).isBetween(90, 100);
  }
}
