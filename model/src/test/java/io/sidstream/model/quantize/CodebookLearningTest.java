package io.sidstream.model.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CodebookLearningTest {
  private static final int DIM = 8;

  @ParameterizedTest
  @EnumSource(Metric.class)
  void asManyCodewordsAsPointsReconstructThemExactly(Metric metric) {
    float[] x = points(metric, 1, 32);
    KMeans.Fit fit = KMeans.fit(metric, x, 32, DIM, 32, KMeans.MAX_ITERATIONS, new Rng(2));
    EncodeResult out = new EncodeResult();
    new ResidualQuantizer(List.of(fit.codebook())).encode(x, 32, out);
    assertThat(Arrays.stream(Arrays.copyOf(out.codes, 32)).distinct().count()).isEqualTo(32);
    for (int i = 0; i < 32 * DIM; i++) {
      assertThat(out.z[i]).isCloseTo(x[i], within(metric == Metric.COSINE ? 1e-6f : 0f));
    }
  }

  @ParameterizedTest
  @EnumSource(Metric.class)
  void isTheSameForTheSameSeedAndFindsClusters(Metric metric) {
    // 6 tight clusters of 50.
    Rng rng = new Rng(3);
    float[] centres = points(metric, 4, 6);
    float[] x = new float[300 * DIM];
    for (int i = 0; i < x.length; i++) {
      x[i] = 10 * centres[i / DIM % 6 * DIM + i % DIM] + 0.01f * rng.nextGaussian();
    }
    KMeans.Fit a = KMeans.fit(metric, x, 300, DIM, 6, KMeans.MAX_ITERATIONS, new Rng(5));
    KMeans.Fit b = KMeans.fit(metric, x, 300, DIM, 6, KMeans.MAX_ITERATIONS, new Rng(5));
    assertThat(a.codebook().codewords()).isEqualTo(b.codebook().codewords());
    assertThat(a.counts()).containsExactly(50, 50, 50, 50, 50, 50);
  }

  @ParameterizedTest
  @EnumSource(Metric.class)
  void fewerPointsThanCodewordsIsAllowed(Metric metric) {
    float[] x = points(metric, 6, 3);
    KMeans.Fit fit = KMeans.fit(metric, x, 3, DIM, 16, KMeans.MAX_ITERATIONS, new Rng(7));
    EncodeResult out = new EncodeResult();
    new ResidualQuantizer(List.of(fit.codebook())).encode(x, 3, out);
    for (int i = 0; i < 3; i++) {
      assertThat(out.distances[i]).isCloseTo(0f, within(1e-6f));
    }
    long distinct =
        IntStream.range(0, 16)
            .mapToObj(
                k ->
                    Arrays.toString(
                        Arrays.copyOfRange(fit.codebook().codewords(), k * DIM, (k + 1) * DIM)))
            .distinct()
            .count();
    assertThat(distinct).as("surplus codewords are not copies").isEqualTo(16);
    assertThatThrownBy(() -> KMeans.fit(metric, x, 0, DIM, 4, 10, new Rng(1)))
        .hasMessageContaining("at least one point");
  }

  @ParameterizedTest
  @EnumSource(Metric.class)
  void zeroPointsAreSurvived(Metric metric) {
    KMeans.Fit fit = KMeans.fit(metric, new float[10 * DIM], 10, DIM, 4, 10, new Rng(8));
    assertThat(fit.codebook().size()).isEqualTo(4);
    assertThat(fit.counts()).containsExactly(10, 0, 0, 0);
  }

  /** Zeros are a cluster of their own at a Euclidean level, and nothing at a cosine one. */
  @ParameterizedTest
  @EnumSource(Metric.class)
  void clustersAreFoundAmongZeros(Metric metric) {
    int zeros = 500;
    int clusters = 6;
    float[] centres = points(Metric.COSINE, 4, clusters);
    for (int seed = 0; seed < 20; seed++) {
      float[] x = clustersAfterZeros(centres, clusters, zeros, seed);
      int n = x.length / DIM;
      int size = metric == Metric.COSINE ? clusters : clusters + 1;
      KMeans.Fit fit = KMeans.fit(metric, x, n, DIM, size, KMeans.MAX_ITERATIONS, new Rng(seed));
      EncodeResult out = new EncodeResult();
      new ResidualQuantizer(List.of(fit.codebook())).encode(x, n, out);
      for (int i = zeros; i < n; i++) {
        assertThat(out.distances[i]).as("seed %d, point %d", seed, i).isLessThan(0.01f);
      }
      int ofZeros = out.codes[0];
      assertThat(IntStream.range(0, size).filter(k -> fit.counts()[k] == 20).count())
          .isEqualTo(clusters - (metric == Metric.COSINE ? 1 : 0));
      assertThat(fit.counts()[ofZeros]).isEqualTo(metric == Metric.COSINE ? zeros + 20 : zeros);
    }
  }

  /** Points at 0, then 20 of each cluster. */
  private static float[] clustersAfterZeros(float[] centres, int clusters, int zeros, int seed) {
    Rng rng = new Rng(seed);
    float[] x = new float[(zeros + 20 * clusters) * DIM];
    for (int i = zeros * DIM; i < x.length; i++) {
      int cluster = (i / DIM - zeros) % clusters;
      x[i] = centres[cluster * DIM + i % DIM] + 0.001f * rng.nextGaussian();
    }
    return x;
  }

  /** What is small beside 1 need not be small beside the points. */
  @ParameterizedTest
  @EnumSource(Metric.class)
  void clustersAreFoundWhateverTheScale(Metric metric) {
    for (float scale : new float[] {1e-6f, 1f, 1e6f}) {
      float[] x = points(Metric.COSINE, 4, 40);
      Kernels.scale(scale, x, 0, x.length);
      KMeans.Fit fit = KMeans.fit(metric, x, 40, DIM, 40, KMeans.MAX_ITERATIONS, new Rng(5));
      assertThat(fit.counts()).as("scale %s", scale).containsOnly(1f);
    }
  }

  @Test
  void movesAsTheEquationsSay() {
    Codebook start = new Codebook(Metric.EUCLIDEAN, 2, 1, new float[] {0, 10});
    CodebookLearner learner = new CodebookLearner(start, new float[] {4, 4});
    float[] r = {1, 2, 3, 9};
    BitSet reseeded = learner.update(r, 0, 4, new int[] {0, 0, 0, 1}, 0, 1, 0.8f, new Rng(1));
    assertThat(reseeded.isEmpty()).isTrue();
    // N = .8 * 4 + .2 * (3, 1); m = .8 * (0, 40) + .2 * (6, 9).
    assertThat(learner.count(0)).isCloseTo(3.8f, within(1e-5f));
    assertThat(learner.codebook().codewords()[0]).isCloseTo(1.2f / 3.8f, within(1e-4f));
    assertThat(learner.codebook().codewords()[1]).isCloseTo(33.8f / 3.4f, within(1e-3f));
    assertThat(start.codewords()).containsExactly(0, 10);
  }

  /** As the equations say with residuals of norm 1; one of norm 0 counts, but adds nothing. */
  @Test
  void movesByDirectionsAtACosineLevel() {
    Codebook start = new Codebook(Metric.COSINE, 2, 2, new float[] {1, 0, 0, 1});
    CodebookLearner learner = new CodebookLearner(start, new float[] {4, 5});
    float[] r = {3, 4, 0, 0, 0, 70};
    BitSet reseeded = learner.update(r, 0, 3, new int[] {0, 0, 1}, 0, 1, 0.8f, new Rng(1));
    assertThat(reseeded.isEmpty()).isTrue();
    assertThat(learner.count(0)).isCloseTo(0.8f * 4 + 0.2f * 2, within(1e-5f));
    assertThat(learner.count(1)).isCloseTo(0.8f * 5 + 0.2f, within(1e-5f));
    // m = .8 * (4, 0) + .2 * (.6, .8), of norm 1.
    double x = 3.2 + 0.12;
    double y = 0.16;
    float[] words = learner.codebook().codewords();
    assertThat((double) words[0]).isCloseTo(x / Math.hypot(x, y), within(1e-6));
    assertThat((double) words[1]).isCloseTo(y / Math.hypot(x, y), within(1e-6));
    assertThat(words[2]).isZero();
    assertThat(words[3]).isCloseTo(1f, within(1e-6f));
    // The sums are those of the directions: m = .5 * (3.32, .16) + .5 * (0, 1).
    learner.update(new float[] {0, 9}, 0, 1, new int[] {0}, 0, 1, 0.5f, new Rng(1));
    words = learner.codebook().codewords();
    assertThat((double) words[0]).isCloseTo(1.66 / Math.hypot(1.66, 0.58), within(1e-5));
    assertThat((double) words[1]).isCloseTo(0.58 / Math.hypot(1.66, 0.58), within(1e-5));
  }

  @Test
  void residualsThatCancelOutLeaveTheCodeword() {
    Codebook start = new Codebook(Metric.COSINE, 1, 2, new float[] {0.6f, 0.8f});
    CodebookLearner learner = new CodebookLearner(start, new float[1]);
    learner.update(new float[] {1, 0, -3, 0}, 0, 2, new int[2], 0, 1, 0f, new Rng(1));
    assertThat(learner.codebook().codewords()).containsExactly(0.6f, 0.8f);
  }

  /** The second codeword is so common that a quarter of the mean is far above 2. */
  @ParameterizedTest
  @EnumSource(Metric.class)
  void aCodewordIsDeadUnder2(Metric metric) {
    assertThat(afterHalving(metric, 3.8f, 1000f)).isTrue();
    assertThat(afterHalving(metric, 4.2f, 1000f)).isFalse();
  }

  /** In batches so small that the mean count is under 8, one is dead under a quarter of it. */
  @ParameterizedTest
  @EnumSource(Metric.class)
  void aCodewordIsDeadUnderAQuarterOfTheMean(Metric metric) {
    // Of the counts 0.5 and 3.6 a quarter of the mean is 0.5125, of 0.53 and 3.6 it is 0.51625.
    assertThat(afterHalving(metric, 1f, 6.2f)).isTrue();
    assertThat(afterHalving(metric, 1.06f, 6.2f)).isFalse();
  }

  /**
   * Whether the first of two codewords is re-seeded by a batch of one item, which is the second's,
   * at a decay of 1/2; then it is that item, and as common as one that is just alive.
   */
  private static boolean afterHalving(Metric metric, float first, float second) {
    Codebook start = new Codebook(metric, 2, 2, new float[] {1, 0, 0, 1});
    CodebookLearner learner = new CodebookLearner(start, new float[] {first, second});
    float[] r = {-6, 8};
    BitSet reseeded = learner.update(r, 0, 1, new int[] {1}, 0, 1, 0.5f, new Rng(1));
    float other = second / 2 + 0.5f;
    assertThat(learner.count(1)).isCloseTo(other, within(1e-4f));
    float[] words = learner.codebook().codewords();
    if (!reseeded.get(0)) {
      assertThat(reseeded.isEmpty()).isTrue();
      assertThat(learner.count(0)).isCloseTo(first / 2, within(1e-6f));
      assertThat(words[0]).isCloseTo(1f, within(1e-3f));
      return false;
    }
    assertThat(reseeded.cardinality()).isEqualTo(1);
    assertThat(learner.count(0)).isCloseTo(Math.min(2f, (first / 2 + other) / 8), within(1e-6f));
    float length = metric == Metric.COSINE ? 10 : 1;
    assertThat(words[0]).isCloseTo(-6 / length, within(1e-6f));
    assertThat(words[1]).isCloseTo(8 / length, within(1e-6f));
    // What it has learned is that item too.
    learner.update(r, 0, 1, new int[] {0}, 0, 1, 0.5f, new Rng(1));
    assertThat(learner.codebook().codewords()[1]).isCloseTo(8 / length, within(0.01f));
    return true;
  }

  @Test
  void aDecayOf1LearnsNothing() {
    Codebook start = new Codebook(Metric.EUCLIDEAN, 2, 1, new float[] {0, 10});
    CodebookLearner learner = new CodebookLearner(start, new float[] {4, 0});
    learner.update(new float[] {5}, 0, 1, new int[] {0}, 0, 1, 1f, new Rng(1));
    assertThat(learner.codebook().codewords()).containsExactly(0, 10);
    assertThatThrownBy(
            () -> learner.update(new float[] {5}, 0, 1, new int[] {0}, 0, 1, 1.5f, new Rng(1)))
        .hasMessageContaining("1.5");
  }

  @ParameterizedTest
  @EnumSource(Metric.class)
  void revivesDeadCodewordsAndKeepsUnitNorms(Metric metric) {
    int size = 16;
    float[] x = points(metric, 9, 200);
    float[] words = new float[size * DIM];
    for (int k = 0; k < size; k++) {
      words[k * DIM] = k == 0 ? 1f : -1f; // all but one in the same far corner
    }
    for (int i = 0; i < 200; i++) {
      x[i * DIM] = 3 + Math.abs(x[i * DIM]);
    }
    CodebookLearner learner =
        new CodebookLearner(new Codebook(metric, size, DIM, words), new float[size]);
    Rng rng = new Rng(10);
    EncodeResult out = new EncodeResult();
    int revived = 0;
    for (int step = 0; step < 30; step++) {
      new ResidualQuantizer(List.of(learner.codebook())).encode(x, 200, out);
      revived += learner.update(x, 0, 200, out.codes, 0, 1, 0.8f, rng).cardinality();
      if (metric == Metric.COSINE) {
        float[] now = learner.codebook().codewords();
        for (int k = 0; k < size; k++) {
          assertThat(Kernels.norm(now, k * DIM, DIM)).isCloseTo(1f, within(1e-5f));
        }
      }
    }
    assertThat(revived).isGreaterThanOrEqualTo(size - 1);
    new ResidualQuantizer(List.of(learner.codebook())).encode(x, 200, out);
    assertThat(Arrays.stream(out.codes).distinct().count()).isGreaterThan(size - 4);
  }

  @Test
  void goesOnFromItsStateBitForBit() throws IOException {
    float[] x = points(Metric.COSINE, 11, 40);
    KMeans.Fit fit = KMeans.fit(Metric.COSINE, x, 40, DIM, 5, 10, new Rng(12));
    CodebookLearner learner = new CodebookLearner(fit.codebook(), fit.counts());
    int[] codes = new int[40];
    for (int i = 0; i < 40; i++) {
      codes[i] = i % 5;
    }
    learner.update(x, 0, 40, codes, 0, 1, 0.8f, new Rng(13));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    learner.writeState(new DataOutputStream(bytes));
    CodebookLearner read =
        CodebookLearner.readState(
            new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    learner.update(x, 0, 40, codes, 0, 1, 0.8f, new Rng(14));
    read.update(x, 0, 40, codes, 0, 1, 0.8f, new Rng(14));
    assertThat(read.codebook().codewords()).isEqualTo(learner.codebook().codewords());
  }

  private static float[] points(Metric metric, long seed, int n) {
    float[] x = ResidualQuantizerTest.gaussian(new Rng(seed), n * DIM);
    if (metric == Metric.COSINE) {
      Kernels.normaliseRows(x, 0, n, DIM);
    }
    return x;
  }
}
