package io.sidstream.model.oracle;

import static io.sidstream.model.oracle.Comparison.assertNear;
import static io.sidstream.model.oracle.Comparison.assertRowsNear;
import static io.sidstream.model.oracle.Comparison.gaussian;
import static io.sidstream.model.oracle.Comparison.oneOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Rng;
import io.sidstream.model.recommend.BinaryCrossEntropy;
import io.sidstream.model.recommend.RecommenderShape;
import io.sidstream.model.recommend.SampledSoftmax;
import io.sidstream.model.recommend.SequenceRecommender;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Holds the recommender's packed forward pass and both losses to the oracle. */
class RecommenderOracleTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void hiddenStatesOfRandomShapes(int seed) {
    Rng rng = new Rng(seed);
    int heads = oneOf(rng, 1, 2, 3);
    RecommenderShape shape =
        new RecommenderShape(
            heads * oneOf(rng, 1, 5, 24, 36),
            heads,
            oneOf(rng, 3, 64, 100),
            rng.nextInt(4),
            oneOf(rng, 3, 20, 50),
            0.5f);
    SequenceRecommender recommender = new SequenceRecommender(shape, rng);
    // Larger than the first weights, so that every part counts.
    float[] weights = recommender.parameters();
    float[] noise = gaussian(rng, weights.length, 0.2f);
    for (int i = 0; i < weights.length; i++) {
      weights[i] += noise[i];
    }
    int sequences = 6;
    int[] offsets = new int[sequences + 1];
    for (int s = 0; s < sequences; s++) {
      offsets[s + 1] = offsets[s] + 1 + rng.nextInt(shape.maxLen());
    }
    int d = shape.dim();
    float[] s = gaussian(rng, offsets[sequences] * d, 1f);
    float[] h = recommender.forward(s, offsets, sequences);
    RecommenderOracle oracle = new RecommenderOracle(recommender);
    for (int q = 0; q < sequences; q++) {
      int n = offsets[q + 1] - offsets[q];
      INDArray expected = oracle.hidden(Matrices.matrix(s, offsets[q] * d, n, d));
      assertRowsNear(
          shape + ", sequence " + q,
          Arrays.copyOfRange(h, offsets[q] * d, offsets[q + 1] * d),
          expected);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "7,5", "200,72"})
  void bce(int rows, int dim) {
    Rng rng = new Rng(rows);
    int items = 11;
    float[] h = gaussian(rng, rows * dim, 1f);
    float[] s = gaussian(rng, items * dim, 1f);
    int[] target = new int[rows];
    int[] negative = new int[rows];
    for (int r = 0; r < rows; r++) {
      target[r] = rng.nextInt(items);
      negative[r] = rng.nextInt(items);
    }
    double loss =
        BinaryCrossEntropy.loss(
            h, rows, s, dim, target, negative, new float[rows * dim], new float[items * dim]);
    INDArray table = Matrices.matrix(s, 0, items, dim);
    assertNear(
        "bce",
        loss,
        RecommenderOracle.bce(
            Matrices.matrix(h, 0, rows, dim), table.getRows(target), table.getRows(negative)));
  }

  @ParameterizedTest
  @CsvSource({"1,1,1,true", "7,5,30,false", "300,72,500,true", "129,64,257,false"})
  void sampledSoftmax(int rows, int dim, int candidates, boolean corrected) {
    Rng rng = new Rng(rows);
    float[] h = gaussian(rng, rows * dim, 0.4f);
    float[] s = gaussian(rng, candidates * dim, 0.4f);
    int[] target = new int[rows];
    for (int r = 0; r < rows; r++) {
      target[r] = rng.nextInt(candidates);
    }
    float[] logQ = corrected ? gaussian(rng, candidates, 1f) : null;
    double loss =
        new SampledSoftmax()
            .loss(
                h,
                rows,
                s,
                candidates,
                dim,
                target,
                0.7f,
                logQ,
                SampledSoftmax.Sample.ALL,
                new float[rows * dim],
                new float[candidates * dim]);
    double expected =
        RecommenderOracle.sampledSoftmax(
            Matrices.matrix(h, 0, rows, dim),
            Matrices.matrix(s, 0, candidates, dim),
            target,
            0.7,
            logQ == null ? null : Matrices.row(logQ, 0, candidates));
    if (candidates > 1) {
      assertNear("softmax", loss, expected);
    } else {
      assertThat(loss).isCloseTo(expected, within(1e-6));
    }
  }
}
