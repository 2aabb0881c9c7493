package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.math.Rng;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.UserSequences;
import java.util.BitSet;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RoundTest {
  private static final int ITEMS = 40;

  private final LearntCatalogue world = new LearntCatalogue();
  private final JointConfig config = world.config;
  private final LearnPlan plan = plan(2);

  private LearnPlan plan(int shards) {
    LearnPlan one = world.plan(new GateRules(false, 0, 0, 1, 1, 1));
    return new LearnPlan(
        config,
        one.seed(),
        shards,
        one.rounds(),
        one.steps(),
        new LearnPlan.Bootstrap(1, 100, 10, 2),
        one.gate(),
        one.holdout());
  }

  private JointTrainer trainer() {
    return new JointTrainer(
        config,
        JointTrainer.newItemTable(config),
        new UserSequences(config.maxLen() + 1),
        plan.seed());
  }

  private RoundInput input(int shard, long round, int items) {
    WorkingSet set = new WorkingSet(config, plan.kind(round).encodes());
    Rng rng = new Rng(5);
    for (int i = 0; i < items; i++) {
      float[] vector = new float[config.contentDim()];
      for (int d = 0; d < vector.length; d++) {
        vector[d] = rng.nextGaussian();
      }
      set.add(i, "item-" + i, 0, 0, LearnedRow.fresh(0), vector);
    }
    int[] pool = IntStream.range(0, items).toArray();
    boolean samples = round == 1 || plan.endsInCandidate(round);
    return new RoundInput(
        shard,
        round,
        new RoundInput.Versions(0, new TreeMap<>()),
        set,
        pool,
        new RoundInput.Windows(List.of(), List.of(), List.of()),
        samples ? new RoundInput.Sample(pool, new BitSet(), List.of()) : null,
        new RoundInput.Totals(items, 0, 0));
  }

  private RoundResult run(JointTrainer trainer, int shard, long round, int items) {
    return new Round(plan, input(shard, round, items), (taken, all) -> {}).run(trainer).result();
  }

  @Test
  void theFirstShardMakesTheCodebooksWhenItHasItems() {
    for (int items : new int[] {ITEMS, 3, 1}) {
      JointTrainer trainer = trainer();
      for (long round = 1; round <= plan.bootstrapRounds(); round++) {
        RoundResult none = run(trainer, 0, round, 0);
        assertThat(none.weights().levels()).as("codebooks of no item").isEmpty();
      }
      boolean encoded = false;
      for (long round = plan.bootstrapRounds() + 1; round < 10; round++) {
        RoundResult made = run(trainer, 0, round, items);
        encoded |= plan.kind(round).encodes();
        assertThat(made.weights().levels())
            .as("codebooks after round %d", round)
            .hasSize(encoded ? config.levels() : 0);
      }
      assertThat(encoded).isTrue();
    }
  }

  @Test
  void otherShardsWaitForCodebooks() {
    JointTrainer trainer = trainer();
    for (long round = 1; round < 7; round++) {
      RoundResult waits = run(trainer, 1, round, ITEMS);
      assertThat(waits.weights()).as("round %d", round).isNull();
      assertThat(waits.figures().steps()).isZero();
    }
    RoundResult made = run(trainer(), 0, 1, ITEMS);
    TrainerWeights.take(trainer, made.weights());
    assertThat(run(trainer, 1, 7, ITEMS).weights().levels()).hasSize(config.levels());
  }
}
