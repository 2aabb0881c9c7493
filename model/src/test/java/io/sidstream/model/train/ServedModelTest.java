package io.sidstream.model.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.serve.RankingModel;
import io.sidstream.model.serve.ServedModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What is ranked from published parts agrees, bit for bit, with the trainer that published them.
 */
class ServedModelTest {
  /** Models that rank in different ways. */
  enum Ranks {
    TWO(base().semanticShare(.3f).semanticTemperature(2f).temperature(.7f).build()),
    TWO_THAT_SHARE(base().semanticShare(.4f).semanticIdDim(2).build()),
    FROM_PREFIX(base().semanticShare(.3f).idStart(JointConfig.IdStart.PREFIX_MEAN).build()),
    ONE(base().temperature(.8f).build()),
    OF_Z(base().variant(JointConfig.Variant.SEMANTIC).build()),
    OF_E(base().variant(JointConfig.Variant.ID).idStart(JointConfig.IdStart.RANDOM).build());

    final JointConfig config;

    Ranks(JointConfig config) {
      this.config = config;
    }
  }

  private static JointConfig.Builder base() {
    return JointConfig.builder()
        .contentDim(24)
        .hidden(List.of(32))
        .semanticDim(12)
        .idDim(4)
        .codewords(16)
        .ffn(32)
        .maxLen(8)
        .dropout(0.1f)
        .sharedNegatives(64)
        .batchUsers(32);
  }

  /** Trained, adopted, trained, and refined under a tolerance, so that codes were kept. */
  private static JointTrainer trained(JointConfig config, Catalogue c) {
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    Rng batches = new Rng(2);
    if (config.hasSemantic()) {
      trainer.initialiseCodebooks(1000);
    }
    for (int i = 0; i < 30; i++) {
      trainer.step(c.batch(32, batches), Phase.JOINT);
    }
    if (config.hasSemantic()) {
      trainer.adopt(trainer.candidate(new float[3]));
      for (int i = 0; i < 20; i++) {
        trainer.step(c.batch(32, batches), Phase.JOINT);
      }
      assertThat(trainer.adopt(trainer.candidate(new float[] {.02f, .02f, .02f}))).isPositive();
    }
    for (int i = 0; i < 10; i++) {
      trainer.step(c.batch(32, batches), Phase.RECOMMENDER);
    }
    return trainer;
  }

  private static Catalogue catalogue(JointConfig config) {
    return new Catalogue(config, 240, 100, 12, 3);
  }

  private static List<Codebook> codebooks(JointTrainer trainer) {
    return trainer.inUse() == null ? List.of() : trainer.inUse().quantizer().codebooks();
  }

  /** What is published of the trainer, as bytes and back. */
  private static ServedModel served(JointTrainer trainer, Catalogue c) {
    JointConfig config = trainer.config();
    int z = config.hasSemantic() ? config.semanticDim() : 0;
    byte[] bytes = RankingModel.of(trainer.recommender(), trainer, z).toBytes();
    int levels = config.hasSemantic() ? config.levels() : 0;
    int w = config.idDim();
    // Gives items that no step had what they start with.
    int[] all = IntStream.range(0, c.itemCount).toArray();
    trainer.fill(all, all.length, new float[all.length * config.dim()]);
    List<ServedModel.Item> items = new ArrayList<>();
    for (int i = 0; i < c.itemCount; i++) {
      boolean published =
          config.hasId() && (c.items.idTrained(i) || config.idStart() != JointConfig.IdStart.ZERO);
      items.add(
          new ServedModel.Item(
              Arrays.copyOfRange(c.items.codes(), i * levels, (i + 1) * levels),
              published ? Arrays.copyOfRange(c.items.id(), i * w, (i + 1) * w) : null));
    }
    return new ServedModel(codebooks(trainer), RankingModel.fromBytes(bytes), items);
  }

  @ParameterizedTest
  @EnumSource(Ranks.class)
  void representationsAreTheTrainersBitForBit(Ranks ranks) {
    Catalogue c = catalogue(ranks.config);
    JointTrainer trainer = trained(ranks.config, c);
    ServedModel served = served(trainer, c);
    int[] all = IntStream.range(0, c.itemCount).toArray();
    float[] expected = new float[c.itemCount * ranks.config.dim()];
    float[] actual = new float[expected.length];
    Arrays.fill(actual, Float.NaN);
    trainer.fill(all, all.length, expected);
    served.fill(all, all.length, actual);
    assertThat(served.dim()).isEqualTo(ranks.config.dim());
    assertSameBits(actual, expected);
  }

  @ParameterizedTest
  @EnumSource(Ranks.class)
  void scoresAreTheTrainersBitForBit(Ranks ranks) {
    Catalogue c = catalogue(ranks.config);
    JointTrainer trainer = trained(ranks.config, c);
    ServedModel served = served(trainer, c);
    Rng rng = new Rng(9);
    for (int user = 0; user < 20; user++) {
      int[] history = Arrays.copyOf(c.users.items(user), 1 + rng.nextInt(12));
      int[] candidates = IntStream.generate(() -> rng.nextInt(c.itemCount)).limit(100).toArray();
      assertSameBits(served.scores(history, candidates), reference(trainer, history, candidates));
    }
  }

  /** The job's own ranking, over the same windows and draws: any other bit could turn a rank. */
  @ParameterizedTest
  @EnumSource(Ranks.class)
  void thePrequentialRankingIsTheTrainers(Ranks ranks) {
    Catalogue c = catalogue(ranks.config);
    JointTrainer trainer = trained(ranks.config, c);
    ServedModel served = served(trainer, c);
    List<Prequential.Window> windows = new ArrayList<>();
    for (int u = 0; u < c.userCount; u++) {
      windows.add(new Prequential.Window(c.users.items(u), c.users.times(u), 3));
    }
    Prequential.Result own =
        new Prequential(trainer.recommender(), trainer, c.items, 99).evaluate(windows, new Rng(5));
    Prequential.Result outside =
        new Prequential(served.recommender(), served, c.items, 99).evaluate(windows, new Rng(5));
    assertThat(own.model.count()).isEqualTo(300);
    assertThat(outside.model.mrr()).isEqualTo(own.model.mrr());
    assertThat(outside.model.ndcg(10)).isEqualTo(own.model.ndcg(10));
  }

  /** As Prequential ranks: the forward of a window, dot products, a mean of probabilities. */
  private static float[] reference(JointTrainer trainer, int[] history, int[] candidates) {
    int d = trainer.dim();
    int n = Math.min(history.length, trainer.config().maxLen());
    float[] in = new float[n * d];
    trainer.fill(Arrays.copyOfRange(history, history.length - n, history.length), n, in);
    float[] s = new float[candidates.length * d];
    trainer.fill(candidates, candidates.length, s);
    List<Tower> towers = Tower.all(trainer.recommender(), trainer);
    float[] scores = new float[candidates.length];
    for (Tower tower : towers) {
      int width = tower.width();
      float[] of = new float[n * width];
      Kernels.gatherColumns(in, d, tower.from(), width, n, of);
      float[] h = tower.recommender().forward(of, new int[] {0, n}, 1);
      float[] ofTower = new float[candidates.length];
      for (int j = 0; j < candidates.length; j++) {
        ofTower[j] =
            Kernels.dot(h, (n - 1) * width, s, j * d + tower.from(), width) / tower.temperature();
      }
      if (towers.size() == 1) {
        return ofTower;
      }
      tower.addProbabilities(ofTower, 0, candidates.length, scores, 0);
    }
    return scores;
  }

  private static void assertSameBits(float[] actual, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(Float.floatToRawIntBits(actual[i]))
          .as("number %d: %s against %s", i, actual[i], expected[i])
          .isEqualTo(Float.floatToRawIntBits(expected[i]));
    }
    assertThat(actual).hasSameSizeAs(expected);
  }

  @Test
  void theBestComeFirstAndTheHistoryIsLeftOut() {
    JointConfig config = Ranks.TWO.config;
    Catalogue c = catalogue(config);
    ServedModel served = served(trained(config, c), c);
    int[] history = c.users.items(4);
    int[] rest =
        IntStream.range(0, c.itemCount)
            .filter(i -> Arrays.stream(history).noneMatch(h -> h == i))
            .toArray();
    float[] scores = served.scores(history, rest);
    List<Integer> expected =
        IntStream.range(0, rest.length)
            .boxed()
            .sorted(Comparator.comparing(j -> -scores[j]))
            .map(j -> rest[j])
            .toList();
    assertThat(served.top(history, 10))
        .extracting(ServedModel.Ranked::item)
        .isEqualTo(expected.subList(0, 10));
    assertThat(served.top(history, 1000)).hasSize(rest.length);
    double sum = 0;
    for (float score : scores) {
      sum += score;
    }
    assertThat(sum).as("probabilities").isCloseTo(1, org.assertj.core.data.Offset.offset(1e-4));
  }

  @Test
  void refusesPartsThatDoNotFit() {
    JointConfig config = Ranks.TWO.config;
    Catalogue c = catalogue(config);
    JointTrainer trainer = trained(config, c);
    RankingModel ranking = RankingModel.of(trainer.recommender(), trainer, 12);
    List<Codebook> books = codebooks(trainer);
    float[] e = new float[4];
    assertThatThrownBy(() -> new ServedModel(List.of(), ranking, List.of()))
        .hasMessageContaining("codewords have 0 numbers, the recommenders read 12 of z");
    assertThatThrownBy(() -> one(books, ranking, new int[] {1, 2}, e))
        .hasMessage("item 0 has 2 codes, there are 3 codebooks");
    assertThatThrownBy(() -> one(books, ranking, new int[] {1, 16, 0}, e))
        .hasMessage("item 0 has code 16 at level 2, whose codebook has 16");
    assertThatThrownBy(() -> one(books, ranking, new int[] {1, 2, 3}, new float[5]))
        .hasMessage("item 0 has an ID embedding of 5 numbers, the recommenders read 4");
    ServedModel served = one(books, ranking, new int[] {1, 2, 3}, null);
    assertThat(served.size()).isEqualTo(1);
    assertThatThrownBy(() -> served.scores(new int[0], new int[] {0}))
        .hasMessageContaining("the history is empty");
    ServedModel broken = one(books, ranking, new int[] {1, 2, 3}, new float[] {Float.NaN, 0, 0, 0});
    assertThatThrownBy(() -> broken.scores(new int[] {0}, new int[] {0}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the score of item 0 is NaN");
  }

  private static ServedModel one(
      List<Codebook> books, RankingModel ranking, int[] codes, float[] e) {
    return new ServedModel(books, ranking, List.of(new ServedModel.Item(codes, e)));
  }
}
