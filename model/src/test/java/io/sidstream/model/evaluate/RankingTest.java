package io.sidstream.model.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.NotFiniteException;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.Threads;
import io.sidstream.model.recommend.RecommenderShape;
import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.train.ItemTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RankingTest {
  private static final int DIM = 4;
  private final ItemTable items = new ItemTable(1, 1, 1, 1);
  private final SequenceRecommender recommender =
      new SequenceRecommender(new RecommenderShape(DIM, 2, 8, 1, 5, 0f), new Rng(1));

  /** Item i is a fixed random vector. */
  private final Representations random =
      representations(
          (item, out, at) -> {
            Rng rng = new Rng(1000 + item);
            for (int k = 0; k < DIM; k++) {
              out[at + k] = rng.nextGaussian();
            }
          });

  /** The same, with two towers beside the whole. */
  private final Representations mixed =
      new Representations() {
        private final Tower first = new Tower(recommender(2, 7), 0, 2, 0.9f, 0.35f);
        private final Tower second = new Tower(recommender(3, 8), 1, DIM, 0.3f, 0.4f);

        @Override
        public int dim() {
          return DIM;
        }

        @Override
        public void fill(int[] rows, int n, float[] out) {
          random.fill(rows, n, out);
        }

        @Override
        public List<Tower> towers() {
          return List.of(first, second);
        }

        @Override
        public float temperature() {
          return 0.3f;
        }
      };

  private static SequenceRecommender recommender(int width, long seed) {
    return new SequenceRecommender(new RecommenderShape(width, 1, 8, 1, 5, 0f), new Rng(seed));
  }

  /** Its state is (1, 0, 0, 0) after any window: a score is the first number of an item. */
  private static SequenceRecommender byFirstNumber() {
    SequenceRecommender r =
        new SequenceRecommender(new RecommenderShape(DIM, 1, 1, 0, 5, 0f), new Rng(1));
    float[] p = r.parameters();
    Arrays.fill(p, 0f);
    // Without blocks the last weights are the biases of the LayerNorm.
    p[p.length - DIM] = 1f;
    return r;
  }

  /** Against 99 negatives drawn outside {@code never}, or as many as there are. */
  private static LeaveOneOut.Result leaveOneOut(
      SequenceRecommender recommender,
      Representations representations,
      int[] catalogue,
      int[][] histories,
      int[] targets,
      int[][] never) {
    int[][] negatives =
        LeaveOneOut.drawNegatives(catalogue, histories, targets, never, 99, new Rng(1));
    return LeaveOneOut.evaluate(
        recommender, representations, catalogue, histories, targets, negatives);
  }

  private interface Row {
    void write(int item, float[] out, int at);
  }

  private static Representations representations(Row row) {
    return new Representations() {
      @Override
      public int dim() {
        return DIM;
      }

      @Override
      public void fill(int[] rows, int n, float[] out) {
        for (int i = 0; i < n; i++) {
          row.write(rows[i], out, i * DIM);
        }
      }
    };
  }

  @Test
  void metricsOfKnownRanks() {
    RankingMetrics m = new RankingMetrics();
    assertThat(m.hr(10)).isZero();
    m.add(1);
    m.add(10);
    m.add(10.5);
    m.add(100);
    assertThat(m.hr(1)).isEqualTo(0.25);
    assertThat(m.hr(10)).isEqualTo(0.5);
    assertThat(m.hr(20)).isEqualTo(0.75);
    assertThat(m.ndcg(10)).isCloseTo((1 + Math.log(2) / Math.log(11)) / 4, within(1e-12));
    assertThat(m.mrr()).isCloseTo((1 + 0.1 + 1 / 10.5 + 0.01) / 4, within(1e-12));
    assertThatThrownBy(() -> m.hr(7)).hasMessage("cut-off is 7; 1, 5, 10 and 20 are counted");
  }

  @Test
  void tiesCountHalf() {
    for (int i = 0; i < 200; i++) {
      items.put(i, new float[1], 0);
    }
    Representations same = representations((item, out, at) -> Arrays.fill(out, at, at + DIM, 1f));
    Prequential.Result r =
        new Prequential(recommender, same, items, 99)
            .evaluate(
                List.of(new Prequential.Window(new int[] {1, 2, 3}, new long[3], 2)), new Rng(1));
    assertThat(r.model.count()).isEqualTo(2);
    assertThat(r.model.mrr()).isCloseTo(1 / 50.5, within(1e-12));
    assertThat(r.popularity.mrr()).isCloseTo(1 / 50.5, within(1e-12));
    assertThat(r.newModel.count()).isEqualTo(2);
  }

  @Test
  void popularityRanksByInteractions() {
    for (int i = 0; i < 200; i++) {
      items.put(i, new float[1], 0);
    }
    for (int i = 0; i < 9; i++) {
      items.countInteraction(3);
    }
    Prequential.Result r =
        new Prequential(recommender, random, items, 99)
            .evaluate(
                List.of(new Prequential.Window(new int[] {1, 2, 3}, new long[3], 1)), new Rng(1));
    assertThat(r.popularity.hr(1)).isEqualTo(1);
    assertThat(r.newModel.count()).isZero();
  }

  @Test
  void earlierEventsOfTheSameCallCount() {
    for (int i = 0; i < 200; i++) {
      items.put(i, new float[1], 0);
    }
    // Nine users come to item 3 one after the other: from the sixth on it is no new item, and all
    // but the first find it popular.
    List<Prequential.Window> windows = new ArrayList<>();
    for (int u = 9; u > 0; u--) {
      windows.add(new Prequential.Window(new int[] {10 + u, 3}, new long[] {0, u}, 1));
    }
    Prequential.Result r =
        new Prequential(recommender, random, items, 99).evaluate(windows, new Rng(1));
    assertThat(r.popularity.count()).isEqualTo(9);
    assertThat(r.popularity.hr(1)).isEqualTo(8.0 / 9);
    assertThat(r.newModel.count()).isEqualTo(5);
    assertThat(items.interactions(3)).isZero();
  }

  @Test
  void onlyItemsThatHaveArrivedAreNegatives() {
    // Ten items at time 0, all others tomorrow: the target is ranked among what is left of the ten.
    // All of them have higher scores than it.
    for (int i = 0; i < 500; i++) {
      items.put(i, new float[1], i < 10 ? 0 : 1000);
    }
    int[] history = {0, 1, 2, 3};
    Representations rising = representations((item, out, at) -> out[at] = item);
    double[] mrr = new double[2];
    for (int late = 0; late < 2; late++) {
      long[] times = {0, 0, 0, late == 0 ? 500 : 2000};
      mrr[late] =
          new Prequential(byFirstNumber(), rising, items, 99)
              .evaluate(List.of(new Prequential.Window(history, times, 1)), new Rng(1))
              .model
              .mrr();
    }
    assertThat(mrr).containsExactly(1.0 / 7, 1.0 / 100);
  }

  @Test
  void theFreshEventsOfAWindowEqualOneByOne() {
    for (int i = 0; i < 300; i++) {
      items.put(i, new float[1], 0);
    }
    items.remove(40);
    // Without position embeddings, as an event alone has its inputs at other positions.
    Arrays.fill(recommender.parameters(), 0, recommender.shape().maxLen() * DIM, 0f);
    int[] all = {5, 6, 40, 7, 8, 9, 10};
    // More negatives than there are items: all are drawn, in whatever order.
    Prequential p = new Prequential(recommender, random, items, 299);
    Prequential.Result together =
        p.evaluate(List.of(new Prequential.Window(all, new long[7], 4)), new Rng(1));
    assertThat(together.model.count()).isEqualTo(4);
    double sum = 0;
    for (int length = all.length; length > 3; length--) {
      int[] window = Arrays.copyOf(all, length);
      Prequential.Result alone =
          p.evaluate(List.of(new Prequential.Window(window, new long[length], 1)), new Rng(2));
      assertThat(alone.model.count()).isEqualTo(1);
      sum += alone.model.mrr();
      // No item of a window is a negative of another of its events.
      items.remove(window[length - 1]);
    }
    assertThat(together.model.mrr()).isCloseTo(sum / 4, within(1e-12));
  }

  @Test
  void aWindowIsRankedTheSameBesideOthers() {
    for (int i = 0; i < 300; i++) {
      items.put(i, new float[1], 0);
    }
    // 40 is unknown, and the window is longer than the recommender's.
    items.remove(40);
    int[] all = {5, 6, 40, 7, 8, 9, 10, 11};
    Prequential p = new Prequential(recommender, random, items, 299);
    // 299 negatives of which few are left out: all that remain, whatever the draw.
    Prequential.Window window = new Prequential.Window(all, new long[8], 1);
    Prequential.Result alone = p.evaluate(List.of(window), new Rng(1));
    assertThat(alone.model.count()).isEqualTo(1);
    Prequential.Window other = new Prequential.Window(new int[] {9, 10, 7}, new long[3], 0);
    Prequential.Result beside = p.evaluate(List.of(other, window), new Rng(9));
    assertThat(beside.model.count()).isEqualTo(1);
    assertThat(beside.model.mrr()).isCloseTo(alone.model.mrr(), within(1e-12));
  }

  @Test
  void anEventWithNothingBeforeItIsLeftOut() {
    for (int i = 0; i < 300; i++) {
      items.put(i, new float[1], 0);
    }
    Prequential.Result none =
        new Prequential(recommender, random, items, 99)
            .evaluate(List.of(new Prequential.Window(new int[] {5}, new long[1], 1)), new Rng(1));
    assertThat(none.model.count()).isZero();
  }

  /** In both protocols, against each tower's probabilities computed by themselves. */
  @Test
  void aRankingAveragesTheProbabilitiesOfItsTowers() {
    int n = 60;
    int[] catalogue = IntStream.range(0, n).toArray();
    for (int item : catalogue) {
      items.put(item, new float[1], 0);
    }
    int[] history = {3, 17, 41, 8};
    for (int target : new int[] {0, 5, 20, 59}) {
      LeaveOneOut.Result r =
          leaveOneOut(
              recommender,
              mixed,
              catalogue,
              new int[][] {history},
              new int[] {target},
              new int[][] {history});
      int[] candidates = IntStream.of(catalogue).filter(i -> !in(history, i)).toArray();
      double rank = rankByDefinition(candidates, history, target);
      assertThat(r.fullRanks[0]).as("target " + target).isEqualTo(rank);
      assertThat(r.sampledRanks[0]).as("target " + target).isEqualTo(rank);

      int[] window = {3, 17, 41, 8, target};
      Prequential.Result p =
          new Prequential(recommender, mixed, items, 99)
              .evaluate(List.of(new Prequential.Window(window, new long[5], 1)), new Rng(1));
      assertThat(1 / p.model.mrr()).as("target " + target).isCloseTo(rank, within(1e-9));
    }
  }

  private double rankByDefinition(int[] candidates, int[] history, int target) {
    double[] mean = new double[candidates.length];
    int own = -1;
    for (Tower tower : Tower.all(recommender, mixed)) {
      float[] seen = columns(history, tower);
      int width = tower.width();
      int[] offsets = {0, history.length};
      float[] h = tower.recommender().forward(seen, offsets, 1).clone();
      float[] s = columns(candidates, tower);
      double[] p = new double[candidates.length];
      double sum = 0;
      for (int i = 0; i < p.length; i++) {
        double score = 0;
        for (int k = 0; k < width; k++) {
          score += (double) h[(history.length - 1) * width + k] * s[i * width + k];
        }
        p[i] = Math.exp(score / tower.temperature());
        sum += p[i];
        own = candidates[i] == target ? i : own;
      }
      for (int i = 0; i < p.length; i++) {
        mean[i] += tower.share() * p[i] / sum;
      }
    }
    double rank = 1;
    for (int i = 0; i < mean.length; i++) {
      rank += mean[i] > mean[own] ? 1 : 0;
    }
    return rank;
  }

  private static boolean in(int[] a, int value) {
    return IntStream.of(a).anyMatch(v -> v == value);
  }

  /** What a tower reads of items, [items, width]. */
  private float[] columns(int[] rows, Tower tower) {
    float[] all = new float[rows.length * DIM];
    random.fill(rows, rows.length, all);
    float[] s = new float[rows.length * tower.width()];
    for (int i = 0; i < s.length; i++) {
      s[i] = all[i / tower.width() * DIM + tower.from() + i % tower.width()];
    }
    return s;
  }

  @Test
  void leaveOneOutRanksTheSameWhateverTheNumberOfThreads() {
    int[] catalogue = IntStream.range(0, 90).toArray();
    Rng rng = new Rng(4);
    int[][] histories = new int[700][];
    int[] targets = new int[histories.length];
    for (int u = 0; u < histories.length; u++) {
      histories[u] = IntStream.range(0, u % 9).map(i -> rng.nextInt(90)).toArray();
      targets[u] = rng.nextInt(90);
    }
    LeaveOneOut.Result one =
        leaveOneOut(recommender, mixed, catalogue, histories, targets, histories);
    Threads.use(3);
    try {
      LeaveOneOut.Result three =
          leaveOneOut(recommender, mixed, catalogue, histories, targets, histories);
      assertThat(three.fullRanks).containsExactly(one.fullRanks);
      assertThat(three.sampledRanks).containsExactly(one.sampledRanks);
      assertThat(three.full.mrr()).isEqualTo(one.full.mrr());
      assertThat(three.sampled.ndcg(10)).isEqualTo(one.sampled.ndcg(10));
    } finally {
      Threads.use(1);
    }
  }

  @Test
  void manyScoresBeatAsOneByOne() {
    Rng rng = new Rng(6);
    float[] block = new float[RankingMetrics.BLOCK];
    for (float size : new float[] {1f, 1e-30f, Float.MIN_VALUE, 1e30f, Float.MAX_VALUE}) {
      float[] scores = new float[2500];
      for (int i = 0; i < scores.length; i++) {
        // Half of them have ties.
        scores[i] = size * (i % 2 == 0 ? rng.nextInt(5) - 2f : rng.nextFloat() - 0.5f);
      }
      for (int own : new int[] {7, 8, 1024, 2490}) {
        double expected = 0;
        for (int j = 3; j < 2493; j++) {
          expected += RankingMetrics.beats(scores[j], scores[own]);
        }
        assertThat(RankingMetrics.beats(scores, 3, 2490, scores[own], block)).isEqualTo(expected);
      }
    }
    float[] broken = new float[1500];
    broken[1400] = Float.NaN;
    assertThatThrownBy(() -> RankingMetrics.beats(broken, 0, 1500, 1f, block))
        .hasMessageContaining("a score is NaN");
  }

  @Test
  void leaveOneOutMasksTheHistory() {
    int[] catalogue = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    int[][] histories = {{1, 2, 9}, {}};
    int[][] never = {{1, 2, 9, 7, 8}, {}};
    int[] targets = {7, 3};
    Representations rising = representations((item, out, at) -> out[at] = item);
    LeaveOneOut.Result up =
        leaveOneOut(byFirstNumber(), rising, catalogue, histories, targets, never);
    // 8 alone beats the 7, and is no negative.
    assertThat(up.fullRanks).containsExactly(2, Double.NaN);
    assertThat(up.sampledRanks).containsExactly(1, Double.NaN);
    assertThat(up.full.count()).isEqualTo(1);
    Representations falling = representations((item, out, at) -> out[at] = -item);
    LeaveOneOut.Result down =
        leaveOneOut(byFirstNumber(), falling, catalogue, histories, targets, never);
    // 0, 3, 4, 5 and 6 beat it, in both.
    assertThat(down.fullRanks).containsExactly(6, Double.NaN);
    assertThat(down.sampledRanks).containsExactly(6, Double.NaN);
  }

  /** First among nobody is no merit. */
  @Test
  void aTargetWithNothingToBeRankedAgainstIsLeftOut() {
    int[] catalogue = {0, 1, 2, 3};
    int[][] histories = {{1, 2, 3}, {1, 2}};
    int[][] never = {{0, 1, 2, 3}, {0, 1, 2, 3}};
    LeaveOneOut.Result r =
        leaveOneOut(recommender, random, catalogue, histories, new int[] {0, 0}, never);
    assertThat(r.sampled.count()).isZero();
    assertThat(r.sampledRanks).containsOnly(Double.NaN);
    assertThat(r.full.count()).isEqualTo(1);
    assertThat(r.fullRanks[0]).isNaN();
    assertThat(r.fullRanks[1]).isBetween(1.0, 2.0);
  }

  @Test
  void aScoreThatIsNotANumberIsRefused() {
    Representations broken = representations((item, out, at) -> out[at] = item == 3 ? 0f / 0f : 1f);
    assertThatThrownBy(
            () ->
                leaveOneOut(
                    recommender,
                    broken,
                    new int[] {0, 1, 2, 3},
                    new int[][] {{1}},
                    new int[] {2},
                    new int[][] {{1, 2}}))
        .isInstanceOf(NotFiniteException.class)
        .hasMessageContaining("a score is NaN");
    assertThatThrownBy(() -> RankingMetrics.beats(1, Double.NaN))
        .isInstanceOf(NotFiniteException.class);
    assertThat(RankingMetrics.beats(1f, 2f)).isZero();
    assertThat(RankingMetrics.beats(2f, 1f)).isEqualTo(1);
    assertThat(RankingMetrics.beats(2f, 2f)).isEqualTo(0.5);
  }
}
