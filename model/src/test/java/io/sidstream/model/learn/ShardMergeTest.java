package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.learn.RoundResult.Embedding;
import io.sidstream.model.learn.RoundResult.Figures;
import io.sidstream.model.learn.RoundResult.Level;
import io.sidstream.model.learn.RoundResult.Weights;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.CodebookAverages;
import io.sidstream.model.quantize.CodebookLearner;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.train.ItemTable;
import java.util.BitSet;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ShardMergeTest {
  private static final List<Metric> METRICS = List.of(Metric.EUCLIDEAN);

  private static Figures figures(long items, double rank) {
    Prequential.Result ranked = new Prequential.Result();
    ranked.model.add(rank);
    return new Figures(items, 100, 3, 10, 1.5, 2.5, 3.5, ranked, 2);
  }

  private static Weights weights(float value, Level... levels) {
    return new Weights(
        new float[] {value, 1}, new float[] {2 * value}, new float[] {3 * value}, List.of(levels));
  }

  private static Level level(float[] counts, float[] sums, float[] codewords, int... here) {
    BitSet reseeded = new BitSet();
    for (int k : here) {
      reseeded.set(k);
    }
    return new Level(counts, sums, codewords, (BitSet) reseeded.clone(), reseeded);
  }

  private static RoundResult result(int shard, Weights weights, Embedding... embeddings) {
    return new RoundResult(
        shard, 4, figures(10 + shard, shard + 1), weights, List.of(embeddings), null);
  }

  @Test
  void oneShardIsItself() {
    RoundResult one = result(0, weights(1), new Embedding("a", new float[] {1}));
    assertThat(ShardMerge.merge(List.of(one), METRICS)).isSameAs(one);
  }

  @Test
  void parametersAreTheMeanOfThoseWhoTookSteps() {
    RoundResult merged =
        ShardMerge.merge(
            List.of(result(0, weights(1)), result(1, null), result(2, weights(4))), METRICS);
    assertThat(merged.shard()).isZero();
    assertThat(merged.round()).isEqualTo(4);
    assertThat(merged.weights().recommender()).containsExactly(2.5f, 1f);
    assertThat(merged.weights().semanticRecommender()).containsExactly(5f);
    assertThat(merged.weights().quantizer()).containsExactly(7.5f);
    Weights alone = weights(3);
    assertThat(ShardMerge.merge(List.of(result(0, null), result(1, alone)), METRICS).weights())
        .isSameAs(alone);
    assertThat(ShardMerge.merge(List.of(result(0, null), result(1, null)), METRICS).weights())
        .isNull();
  }

  /** Floats alone would lose the small one. */
  @Test
  void meansAreSummedInDouble() {
    RoundResult merged =
        ShardMerge.merge(
            List.of(result(0, weights(1e8f)), result(1, weights(1f)), result(2, weights(-1e8f))),
            METRICS);
    assertThat(merged.weights().recommender()[0]).isEqualTo((float) (1 / 3.0));
  }

  @Test
  void figuresAreSumsButForTheItems() {
    Figures f =
        ShardMerge.merge(List.of(result(0, null), result(1, null), result(2, null)), METRICS)
            .figures();
    assertThat(f.items()).isEqualTo(12);
    assertThat(f.interactions()).isEqualTo(300);
    assertThat(f.waiting()).isEqualTo(9);
    assertThat(f.steps()).isEqualTo(30);
    assertThat(f.recommendation()).isEqualTo(4.5);
    assertThat(f.reconstruction()).isEqualTo(7.5);
    assertThat(f.commitment()).isEqualTo(10.5);
    assertThat(f.unranked()).isEqualTo(6);
    assertThat(f.ranked().model.count()).isEqualTo(3);
    assertThat(f.ranked().model.hr(1)).isCloseTo(1 / 3.0, Offset.offset(1e-12));
  }

  @Test
  void anEmbeddingIsTheMeanOfThoseWhoChangedItAndGoneWhereOneSaysSo() {
    float[] own = {7};
    RoundResult merged =
        ShardMerge.merge(
            List.of(
                result(0, null, new Embedding("a", new float[] {1}), new Embedding("b", own)),
                result(
                    1,
                    null,
                    new Embedding("c", new float[] {1}),
                    new Embedding("a", new float[] {3}),
                    new Embedding("d", null)),
                result(2, null, new Embedding("c", null))),
            METRICS);
    assertThat(merged.embeddings()).extracting(Embedding::item).containsExactly("a", "b", "c", "d");
    assertThat(merged.embeddings().get(0).e()).containsExactly(2f);
    assertThat(merged.embeddings().get(1).e()).isSameAs(own);
    assertThat(merged.embeddings().get(2).e()).isNull();
    assertThat(merged.embeddings().get(3).e()).isNull();
  }

  /** The shards of these tests take 10 steps each. */
  @Test
  void whatShardsMovedAnEmbeddingByIsAddedUpWhereTheyBeganWithTheSame() {
    float[] start = {1, 10};
    List<Embedding> merged =
        ShardMerge.merge(
                List.of(
                    result(
                        0,
                        null,
                        new Embedding("rare", new float[] {3, 10}, start, 4),
                        new Embedding("alone", new float[] {.3f, 7}, start, 9),
                        new Embedding("new there", new float[] {3, 10}, start, 2),
                        new Embedding("in all steps", new float[] {3, 10}, start, 10)),
                    result(
                        1,
                        null,
                        new Embedding("rare", new float[] {2, 7}, start, 5),
                        new Embedding("new there", new float[] {5, 20}),
                        new Embedding("in all steps", new float[] {5, 20}, start, 10))),
                METRICS)
            .embeddings();
    assertThat(merged)
        .extracting(Embedding::item)
        .containsExactly("rare", "alone", "new there", "in all steps");
    assertThat(merged.get(0).e()).containsExactly(4f, 7f);
    assertThat(merged.get(1).e()).containsExactly(.3f, 7f);
    assertThat(merged.get(2).e()).containsExactly(4f, 15f);
    // Twenty moves where one learner takes ten.
    assertThat(merged.get(3).e()).containsExactly(4f, 15f);
    assertThat(merged).extracting(Embedding::start).containsOnlyNulls();
  }

  /** Both averages are linear in the batch, so the mean of two learners is one of both batches. */
  @ParameterizedTest
  @EnumSource(Metric.class)
  void codebooksAreThoseOfOneLearnerOfThePooledBatches(Metric metric) {
    int size = 4;
    int dim = 3;
    Rng rng = new Rng(3);
    float[] start = unit(rng, size, dim);
    Codebook book = new Codebook(metric, size, dim, start);
    float[] counts = {5, 6, 7, 8};
    int n = 40;
    float[] r = unit(rng, 2 * n, dim);
    int[] codes = new int[2 * n];
    for (int i = 0; i < 2 * n; i++) {
      codes[i] = i % size;
    }
    CodebookLearner left = new CodebookLearner(book, counts);
    CodebookLearner right = new CodebookLearner(book, counts);
    CodebookLearner both = new CodebookLearner(book, counts);
    left.update(r, 0, n, codes, 0, 1, .8f, new Rng(1));
    right.update(r, n * dim, n, codes, n, 1, .8f, new Rng(1));
    // Half the weight of twice the batch: two updates' worth of new, for the same decay.
    both.update(r, 0, 2 * n, codes, 0, 1, .8f, new Rng(1));
    Level merged =
        ShardMerge.merge(
                List.of(result(0, weights(1, of(left))), result(1, weights(1, of(right)))),
                List.of(metric))
            .weights()
            .levels()
            .get(0);
    CodebookAverages pooled = both.averages();
    float[] expected = new float[size * dim];
    for (int k = 0; k < size; k++) {
      assertThat(merged.counts()[k])
          .isCloseTo((pooled.counts()[k] + .8f * counts[k]) / 2, Offset.offset(1e-4f));
      for (int d = k * dim; d < (k + 1) * dim; d++) {
        float sum = (pooled.sums()[d] + .8f * counts[k] * start[d]) / 2;
        assertThat(merged.sums()[d]).isCloseTo(sum, Offset.offset(1e-4f));
        expected[d] = sum / merged.counts()[k];
      }
    }
    for (int k = 0; k < size && metric == Metric.COSINE; k++) {
      double norm = 0;
      for (int d = k * dim; d < (k + 1) * dim; d++) {
        norm += expected[d] * expected[d];
      }
      for (int d = k * dim; d < (k + 1) * dim; d++) {
        expected[d] /= (float) Math.sqrt(norm);
      }
    }
    assertThat(merged.codewords()).containsExactly(expected, Offset.offset(1e-4f));
  }

  private static Level of(CodebookLearner learner) {
    CodebookAverages a = learner.averages();
    return level(a.counts(), a.sums(), a.codewords());
  }

  private static float[] unit(Rng rng, int n, int dim) {
    float[] a = new float[n * dim];
    for (int i = 0; i < n; i++) {
      double norm = 0;
      for (int d = 0; d < dim; d++) {
        a[i * dim + d] = rng.nextGaussian();
        norm += a[i * dim + d] * a[i * dim + d];
      }
      for (int d = 0; d < dim; d++) {
        a[i * dim + d] /= (float) Math.sqrt(norm);
      }
    }
    return a;
  }

  @Test
  void aReseededCodewordIsThatOfTheLowestShardWhole() {
    Level a = level(new float[] {4, 4, 4}, new float[] {4, 8, 12}, new float[] {1, 2, 3});
    Level b = level(new float[] {4, 2, 4}, new float[] {4, 14, 12}, new float[] {1, 7.5f, 3}, 1);
    Level c = level(new float[] {8, 2, 2}, new float[] {8, 18, 22}, new float[] {1, 9, 11}, 1, 2);
    // Re-seeded in an earlier round: its average is everybody's again.
    a.reseeded().set(0);
    Level merged =
        ShardMerge.merge(
                List.of(
                    result(0, weights(1, a)), result(1, weights(1, b)), result(2, weights(1, c))),
                METRICS)
            .weights()
            .levels()
            .get(0);
    assertThat(merged.counts()).containsExactly(16f / 3, 2f, 2f);
    assertThat(merged.sums()).containsExactly(16f / 3, 14f, 22f);
    assertThat(merged.codewords()[0]).isCloseTo(1f, Offset.offset(1e-4f));
    assertThat(merged.codewords()[1]).isEqualTo(7.5f);
    assertThat(merged.codewords()[2]).isEqualTo(11f);
    assertThat(merged.reseeded()).isEqualTo(BitSet.valueOf(new long[] {7}));
    assertThat(merged.reseededHere()).isEqualTo(BitSet.valueOf(new long[] {6}));
  }

  @Test
  void resultsOfOtherRoundsOrOutOfOrderAreRefused() {
    RoundResult other = new RoundResult(1, 5, figures(1, 1), null, List.of(), null);
    for (List<RoundResult> wrong :
        List.of(
            List.of(result(0, null), other),
            List.of(result(1, null), result(0, null)),
            List.of(result(1, null), result(1, null)))) {
      assertThatThrownBy(() -> ShardMerge.merge(wrong, METRICS))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("one round in ascending order of the shards");
    }
    assertThatThrownBy(() -> ShardMerge.merge(List.of(), METRICS))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anEvaluationHasTheMergedEmbeddings() {
    List<RoundResult> results =
        List.of(
            new RoundResult(
                0,
                4,
                figures(2, 1),
                null,
                List.of(new Embedding("a", new float[] {1}), new Embedding("b", null)),
                evaluation(1)),
            new RoundResult(
                1,
                4,
                figures(2, 1),
                null,
                List.of(new Embedding("a", new float[] {3})),
                evaluation(3)));
    Evaluation merged = ShardMerge.merge(results, METRICS).evaluation();
    assertThat(merged.items().knownCount()).isEqualTo(2);
    assertThat(merged.items().id()[0]).isEqualTo(2f);
    assertThat(merged.items().id()[1]).isZero();
  }

  private static Evaluation evaluation(float e) {
    ItemTable items = new ItemTable(1, 1, 1, 1);
    for (int i = 0; i < 2; i++) {
      items.put(i, new float[] {i}, 0);
      items.setKey(i, LearnPlan.hash(i == 0 ? "a" : "b"));
      items.id()[i] = e;
    }
    return new Evaluation(items, new int[] {0, 1}, new BitSet(), List.of(), 2);
  }
}
