package io.sidstream.model.oracle;

import static io.sidstream.model.oracle.Comparison.assertNear;
import static io.sidstream.model.oracle.Comparison.assertRowsNear;
import static io.sidstream.model.oracle.Comparison.gaussian;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.RowProduct;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Holds the kernels to ND4J's operations in double precision, at awkward lengths. */
class KernelsOracleTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 64, 1021})
  void rows(int n) {
    Rng rng = new Rng(n);
    int rows = 5;
    float[] x = gaussian(rng, rows * n, 2f);
    float[] y = gaussian(rng, rows * n, 1f);
    INDArray dx = Matrices.matrix(x, 0, rows, n);
    INDArray dy = Matrices.matrix(y, 0, rows, n);
    for (int r = 0; r < rows; r++) {
      INDArray a = dx.getRow(r);
      INDArray b = dy.getRow(r);
      INDArray difference = a.sub(b);
      assertNear(
          "squared distance",
          Kernels.squaredDistance(x, r * n, y, r * n, n),
          difference.mul(difference).sumNumber().doubleValue());
      assertNear("norm", Kernels.norm(x, r * n, n), a.norm2Number().doubleValue());
      // Of both signs, so relative to the sum of the sizes.
      double size = Transforms.abs(a.mul(b)).sumNumber().doubleValue();
      assertThat((double) Kernels.dot(x, r * n, y, r * n, n))
          .isCloseTo(a.mul(b).sumNumber().doubleValue(), within(Comparison.NEAR * size));
    }
    float[] softmax = x.clone();
    float[] unit = x.clone();
    for (int r = 0; r < rows; r++) {
      Kernels.softmax(softmax, r * n, n);
    }
    assertRowsNear("softmax", softmax, RecommenderOracle.softmax(dx));
    Kernels.normaliseRows(unit, 0, rows, n);
    assertRowsNear("unit", unit, QuantizerOracle.unit(dx));
    float[] relu = x.clone();
    Kernels.relu(relu, 0, rows * n);
    assertRowsNear("relu", relu, DenseOracle.relu(dx));
    float[] sigmoid = new float[rows * n];
    for (int i = 0; i < sigmoid.length; i++) {
      sigmoid[i] = Kernels.sigmoid(5 * x[i]);
    }
    assertRowsNear("sigmoid", sigmoid, Transforms.sigmoid(dx.mul(5)));
    if (n > 1) { // of one number nothing is left but the shift
      float[] gamma = gaussian(rng, n, 1f);
      float[] beta = gaussian(rng, n, 1f);
      float[] norm = new float[rows * n];
      Kernels.layerNorm(
          x, 0, rows, n, gamma, 0, beta, 0, 1e-12f, norm, 0, new float[rows], new float[rows]);
      assertRowsNear(
          "layer norm",
          norm,
          RecommenderOracle.layerNorm(dx, Matrices.row(gamma, 0, n), Matrices.row(beta, 0, n)));
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,1", "7,65,129", "121,512,384", "1021,7,33"})
  void products(int m, int n, int k) {
    Rng rng = new Rng(m);
    float[] a = gaussian(rng, m * k, 1f);
    float[] b = gaussian(rng, k * n, 1f);
    INDArray expected = Matrices.matrix(a, 0, m, k).mmul(Matrices.matrix(b, 0, k, n));
    float[] c = new float[m * n];
    Blas.multiply(m, n, k, a, b, c);
    assertRowsNear("gemm", c, expected);
    float[] y = new float[m * n];
    new RowProduct(b, 0, k, n).apply(a, 0, m, 0f, y, 0, new float[RowProduct.scratch(n, k)]);
    assertRowsNear("row product", y, expected);
  }
}
