package io.sidstream.model.learn;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.math.Rng;
import io.sidstream.model.train.Catalogue;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Phase;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/** A small catalogue, a trainer that has made a first version of it, and what the gate is given. */
final class LearntCatalogue {
  static final int ITEMS = 240;
  static final int USERS = 120;

  final JointConfig config;
  final Catalogue catalogue;
  final JointTrainer trainer;
  private final Rng batches = new Rng(2);

  LearntCatalogue() {
    this(1);
  }

  LearntCatalogue(long seed) {
    config =
        JointConfig.builder()
            .contentDim(24)
            .hidden(List.of(32))
            .semanticDim(12)
            .idDim(4)
            .codewords(16)
            .ffn(32)
            .maxLen(12)
            .dropout(0.1f)
            .semanticShare(0.3f)
            .semanticTemperature(2f)
            .sharedNegatives(32)
            .batchUsers(16)
            .slowLearningRate(1e-3f)
            .slowCodebookDecay(0.9f)
            .build();
    catalogue = new Catalogue(config, ITEMS, USERS, 10, 3);
    for (int i = 0; i < ITEMS; i++) {
      catalogue.items.setKey(i, LearnPlan.hash("item-" + i));
    }
    trainer = new JointTrainer(config, catalogue.items, catalogue.users, seed);
    trainer.initialiseCodebooks(1000);
  }

  LearntCatalogue steps(int n, Phase phase) {
    for (int i = 0; i < n; i++) {
      trainer.step(catalogue.batch(16, batches), phase);
    }
    return this;
  }

  /** Takes the nearest codes into use. */
  TokenizerModel adopt() {
    TokenizerModel tokenizer = trainer.candidate(new float[config.levels()]);
    trainer.adopt(tokenizer);
    return tokenizer;
  }

  LearnPlan plan(GateRules rules) {
    return new LearnPlan(
        config,
        7,
        1,
        new LearnPlan.Rounds(1000, 10, 2, 10),
        new LearnPlan.Steps(160, 0.5),
        new LearnPlan.Bootstrap(1, 100, 10, 1),
        rules,
        0.02);
  }

  static GateRules rules(double churnBudget) {
    return new GateRules(true, 0.3, 0.5, 0.2, 0.1, churnBudget);
  }

  /** All items are the sample; those from {@code newcomers} on came after the version in use. */
  Evaluation evaluation(int newcomers) {
    List<Prequential.Window> windows = new ArrayList<>();
    for (int u = 0; u < USERS; u++) {
      windows.add(new Prequential.Window(catalogue.users.items(u), catalogue.users.times(u), 1));
    }
    BitSet old = new BitSet();
    old.set(0, newcomers);
    return new Evaluation(
        catalogue.items, IntStream.range(0, ITEMS).toArray(), old, windows, 1_000_000);
  }
}
