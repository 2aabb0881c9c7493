package io.sidstream.model.oracle;

import static io.sidstream.model.oracle.Comparison.assertNear;
import static io.sidstream.model.oracle.Comparison.assertRowsNear;
import static io.sidstream.model.oracle.Comparison.gaussian;
import static io.sidstream.model.oracle.Comparison.oneOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.content.RqVae;
import io.sidstream.model.content.RqVaeConfig;
import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Metric;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Holds a training step's forward pass and losses to the oracle: encoder, codes, decoder. */
class RqVaeOracleTest {
  @ParameterizedTest
  @EnumSource
  void forwardPassAndLosses(StraightThrough gradient) {
    for (int seed = 0; seed < 4; seed++) {
      Rng rng = new Rng(100 * gradient.ordinal() + seed);
      List<Integer> hidden = new ArrayList<>();
      for (int l = rng.nextInt(3); l > 0; l--) {
        hidden.add(oneOf(rng, 5, 16, 65));
      }
      List<Metric> metrics = new ArrayList<>();
      for (int l = 0; l <= rng.nextInt(3); l++) {
        metrics.add(rng.nextInt(2) == 0 ? Metric.COSINE : Metric.EUCLIDEAN);
      }
      int in = oneOf(rng, 3, 17, 64);
      RqVaeConfig config =
          new RqVaeConfig(
              in, hidden, oneOf(rng, 2, 9, 32), oneOf(rng, 2, 8, 20), metrics, gradient, 1f, 1f);
      RqVae vae = new RqVae(config, rng);
      int n = 60;
      float[] x = gaussian(rng, n * in, 1f);
      vae.initialiseCodebooks(x, n, rng);
      compare(vae, x, n);
    }
  }

  private static void compare(RqVae vae, float[] x, int n) {
    RqVaeConfig config = vae.config();
    vae.forwardTrain(x, n);
    int encoderSize = 0;
    int[] dims = config.encoderDims();
    for (int l = 1; l < dims.length; l++) {
      encoderSize += (dims[l - 1] + 1) * dims[l];
    }
    DenseOracle encoder = new DenseOracle(dims, vae.parameters(), 0);
    DenseOracle decoder = new DenseOracle(config.decoderDims(), vae.parameters(), encoderSize);
    INDArray input = Matrices.matrix(x, 0, n, config.inputDim());
    assertRowsNear("f(x)", vae.encoderOutput(), encoder.apply(input));
    // From the tuned f on, so that one near tie does not move all that follows.
    QuantizerOracle quantizer = new QuantizerOracle(vae.quantizer());
    QuantizerOracle.Quantized quantized =
        quantizer.quantize(Matrices.matrix(vae.encoderOutput(), 0, n, config.dim()));
    int levels = config.levels();
    for (int i = 0; i < n * levels; i++) {
      assertThat(vae.codes()[i])
          .as("code %d of row %d", i % levels, i / levels)
          .isEqualTo(quantized.codes()[i / levels][i % levels]);
    }
    assertRowsNear("z", vae.z(), quantized.z());
    INDArray decoded = decoder.apply(quantized.z());
    assertRowsNear("g(z)", vae.reconstructed(), decoded);
    assertNear(
        "reconstruction", vae.reconstructionLoss(), DenseOracle.reconstructionLoss(decoded, input));
    for (int l = 0; l < levels; l++) {
      assertNear("commitment", vae.commitmentLoss(l), quantizer.commitmentLoss(l, quantized));
    }
  }
}
