package io.sidstream.model.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RqVaeTest {
  private static final int N = 9;

  private static RqVaeConfig small(StraightThrough mode) {
    return new RqVaeConfig(
        11,
        List.of(7, 6),
        5,
        4,
        List.of(Metric.COSINE, Metric.COSINE, Metric.EUCLIDEAN),
        mode,
        1.3f,
        0.7f);
  }

  @ParameterizedTest
  @EnumSource(StraightThrough.class)
  void gradientsEqualFiniteDifferencesOfADoublePrecisionReference(StraightThrough mode) {
    checkGradients(small(mode));
  }

  /** One of the clusters is a single item: of it the first level leaves nothing, or noise. */
  @ParameterizedTest
  @EnumSource(StraightThrough.class)
  void gradientsAreRightWhereACosineLevelIsTheLast(StraightThrough mode) {
    RqVae vae = checkGradients(euclideanThenCosine(mode, 4));
    int[] count = new int[4];
    for (int i = 0; i < N; i++) {
      count[vae.codes()[i * 2]]++;
    }
    assertThat(count).contains(1);
  }

  private static RqVaeConfig euclideanThenCosine(StraightThrough mode, int codewords) {
    return new RqVaeConfig(
        11,
        List.of(7, 6),
        5,
        codewords,
        List.of(Metric.EUCLIDEAN, Metric.COSINE),
        mode,
        1.3f,
        0.7f);
  }

  private static RqVae checkGradients(RqVaeConfig config) {
    RqVae vae = new RqVae(config, new Rng(1));
    float[] x = TokenizerModelTest.gaussian(new Rng(2), N * 11);
    vae.initialiseCodebooks(x, N, new Rng(3));
    float[] dz = TokenizerModelTest.gaussian(new Rng(4), N * 5);
    vae.forwardTrain(x, N);
    vae.backward(dz);

    Reference reference = new Reference(vae, x, dz);
    double[] at = reference.params();
    assertThat(reference.actualLoss(at)).isCloseTo(vae.loss(), within(1e-5));
    double h = 1e-6;
    for (int p = 0; p < at.length; p++) {
      double value = at[p];
      at[p] = value + h;
      double up = reference.surrogate(at);
      at[p] = value - h;
      double down = reference.surrogate(at);
      at[p] = value;
      double expected = (up - down) / (2 * h);
      assertThat((double) vae.gradients()[p])
          .as("parameter %d", p)
          .isCloseTo(expected, within(2e-4 + 1e-4 * Math.abs(expected)));
    }
    return vae;
  }

  /** Rows 0, 3 and 6 of nine stand for all. */
  @Test
  void aSampleIsDecodedAsIfItWereTheBatch() {
    RqVaeConfig config = withoutCommitment();
    RqVae sampled = new RqVae(config, new Rng(1));
    RqVae alone = new RqVae(config, new Rng(1));
    float[] x = TokenizerModelTest.gaussian(new Rng(2), N * 11);
    sampled.initialiseCodebooks(x, N, new Rng(3));
    alone.initialiseCodebooks(x, N, new Rng(3));
    float[] some = new float[3 * 11];
    Kernels.gatherRows(x, 0, 11, new int[] {0, 3, 6}, 3, some, 0);

    sampled.encodeTrain(x, N);
    sampled.decode(3);
    sampled.backward(null);
    alone.forwardTrain(some, 3);
    alone.backward(null);

    assertThat(sampled.reconstructionLoss()).isCloseTo(alone.reconstructionLoss(), within(1e-6));
    for (int p = 0; p < alone.gradients().length; p++) {
      assertThat(sampled.gradients()[p])
          .as("parameter %d", p)
          .isCloseTo(alone.gradients()[p], within(1e-5f));
    }
  }

  @Test
  void aSampleAsLargeAsTheBatchIsTheBatch() {
    RqVaeConfig config = small(StraightThrough.ROTATION);
    float[] x = TokenizerModelTest.gaussian(new Rng(2), N * 11);
    float[] dz = TokenizerModelTest.gaussian(new Rng(4), N * 5);
    float[][] gradients = new float[2][];
    for (int i = 0; i < 2; i++) {
      RqVae vae = new RqVae(config, new Rng(1));
      vae.initialiseCodebooks(x, N, new Rng(3));
      // What an earlier step left of a smaller sample does not matter.
      vae.encodeTrain(x, N);
      vae.decode(2 + i);
      vae.backward(dz);
      vae.encodeTrain(x, N);
      vae.decode(i == 0 ? N : Integer.MAX_VALUE);
      vae.backward(dz);
      gradients[i] = vae.gradients();
    }
    assertThat(gradients[1]).isEqualTo(gradients[0]);
  }

  private static RqVaeConfig withoutCommitment() {
    return new RqVaeConfig(
        11,
        List.of(7, 6),
        5,
        4,
        List.of(Metric.COSINE, Metric.COSINE, Metric.EUCLIDEAN),
        StraightThrough.ROTATION,
        1.3f,
        0f);
  }

  @ParameterizedTest
  @EnumSource(StraightThrough.class)
  void whatRoundingLeavesForACosineLevelPassesNoGradient(StraightThrough mode) {
    RqVaeConfig config = euclideanThenCosine(mode, N);
    RqVae vae = new RqVae(config, new Rng(1));
    float[] x = TokenizerModelTest.gaussian(new Rng(2), N * 11);
    vae.initialiseCodebooks(x, N, new Rng(3));
    vae.forwardTrain(x, N);
    // The items themselves but for a millionth.
    float[] words = Arrays.copyOf(vae.encoderOutput(), N * 5);
    Kernels.axpy(1e-6f, TokenizerModelTest.gaussian(new Rng(4), N * 5), 0, words, 0, N * 5);
    vae.setCodebooks(
        List.of(new Codebook(Metric.EUCLIDEAN, N, 5, words), vae.quantizer().codebook(1)),
        List.of(new float[N], new float[N]));
    vae.forwardTrain(x, N);
    assertThat(vae.commitmentLoss(0)).isCloseTo(0, within(1e-9));
    assertThat(vae.commitmentLoss(1)).as("a unit vector's mean square").isEqualTo(0.2);
    vae.backward(null);
    float[] quiet = vae.gradients().clone();
    vae.forwardTrain(x, N);
    float[] dz = TokenizerModelTest.gaussian(new Rng(5), N * 5);
    vae.backward(dz);
    int bias = new Layers(config.encoderDims()).size() - 5;
    for (int d = 0; d < 5; d++) {
      double sum = 0;
      for (int i = 0; i < N; i++) {
        sum += dz[i * 5 + d];
      }
      // Once: through the first level, or past both; nothing is turned by a millionth.
      assertThat((double) vae.gradients()[bias + d] - quiet[bias + d]).isCloseTo(sum, within(1e-4));
    }
  }

  @Test
  void anInputWithoutDirectionPassesTheGradientAsItIs() {
    // As many items as codewords: the first level takes all of f, the second gets zeros.
    RqVaeConfig config =
        new RqVaeConfig(
            11,
            List.of(7, 6),
            5,
            N,
            List.of(Metric.EUCLIDEAN, Metric.EUCLIDEAN),
            StraightThrough.ROTATION,
            0f,
            0f);
    RqVae vae = new RqVae(config, new Rng(1));
    float[] x = TokenizerModelTest.gaussian(new Rng(2), N * 11);
    vae.initialiseCodebooks(x, N, new Rng(3));
    List<Codebook> books = vae.quantizer().codebooks();
    vae.setCodebooks(
        List.of(books.get(0), new Codebook(Metric.EUCLIDEAN, N, 5, new float[N * 5])),
        List.of(new float[N], new float[N]));
    float[] dz = TokenizerModelTest.gaussian(new Rng(4), N * 5);
    vae.forwardTrain(x, N);
    vae.backward(dz);
    int bias = new Layers(config.encoderDims()).size() - 5;
    for (int d = 0; d < 5; d++) {
      float sum = 0;
      for (int i = 0; i < N; i++) {
        sum += dz[i * 5 + d];
      }
      // Once through each level, in which nothing is turned.
      assertThat(vae.gradients()[bias + d]).isCloseTo(2 * sum, within(1e-4f));
    }
  }

  @ParameterizedTest
  @EnumSource(StraightThrough.class)
  void rotationStartsFromAnEncoderOutputOfMeanZeroAndNormTwo(StraightThrough mode) {
    RqVae vae = new RqVae(small(mode), new Rng(1));
    float[] before = vae.parameters().clone();
    int n = 40;
    float[] x = TokenizerModelTest.gaussian(new Rng(2), n * 11);
    vae.initialiseCodebooks(x, n, new Rng(3));
    if (mode != StraightThrough.ROTATION) {
      assertThat(vae.parameters()).isEqualTo(before);
      return;
    }
    vae.forwardTrain(x, n);
    float[] f = vae.encoderOutput();
    double square = 0;
    double[] mean = new double[5];
    for (int i = 0; i < n * 5; i++) {
      square += (double) f[i] * f[i] / n;
      mean[i % 5] += f[i] / (double) n;
    }
    assertThat(Math.sqrt(square)).isCloseTo(2, within(1e-4));
    for (double m : mean) {
      assertThat(m).isCloseTo(0, within(1e-5));
    }
  }

  @Test
  void trainingLowersTheLoss() {
    RqVaeConfig config = small(StraightThrough.PER_LEVEL);
    RqVae vae = new RqVae(config, new Rng(1));
    float[] x = TokenizerModelTest.gaussian(new Rng(2), 64 * 11);
    vae.initialiseCodebooks(x, 64, new Rng(3));
    vae.forwardTrain(x, 64);
    double before = vae.loss();
    Rng rng = new Rng(5);
    for (int step = 0; step < 200; step++) {
      vae.forwardTrain(x, 64);
      vae.backward(null);
      vae.applyGradients(3e-3f);
      vae.updateCodebooks(0.8f, rng);
    }
    vae.forwardTrain(x, 64);
    assertThat(vae.loss()).isLessThan(0.8 * before);
  }

  @Test
  void goesOnFromItsStateBitForBit() throws IOException {
    RqVaeConfig config = small(StraightThrough.PER_LEVEL);
    float[] x = TokenizerModelTest.gaussian(new Rng(2), 30 * 11);
    RqVae vae = new RqVae(config, new Rng(1));
    vae.initialiseCodebooks(x, 30, new Rng(3));
    train(vae, x, new Rng(6));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    vae.writeState(new DataOutputStream(bytes));
    RqVae other = new RqVae(config, new Rng(99));
    other.readState(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    train(vae, x, new Rng(7));
    train(other, x, new Rng(7));
    assertThat(other.parameters()).isEqualTo(vae.parameters());
    assertThat(other.tokenizer(new float[3]).digest())
        .isEqualTo(vae.tokenizer(new float[3]).digest());
  }

  @Test
  void aStateOfAnotherShapeIsRefusedAndLeavesTheModel() throws IOException {
    RqVaeConfig config = small(StraightThrough.PER_LEVEL);
    float[] x = TokenizerModelTest.gaussian(new Rng(2), 30 * 11);
    RqVae vae = new RqVae(config, new Rng(1));
    vae.initialiseCodebooks(x, 30, new Rng(3));
    String digest = vae.tokenizer(new float[3]).digest();
    List<Metric> metrics = config.metrics();
    assertRefused(
        vae,
        x,
        shaped(11, 4, List.of(Metric.COSINE, Metric.COSINE, Metric.COSINE)),
        "State of an RQ-VAE of another shape: codebook 2 is COSINE 4 x 5, the configuration says EUCLIDEAN 4 x 5");
    assertRefused(
        vae,
        x,
        shaped(11, 4, List.of(Metric.EUCLIDEAN, Metric.COSINE, Metric.EUCLIDEAN)),
        "codebook 0 is EUCLIDEAN 4 x 5, the configuration says COSINE 4 x 5");
    assertRefused(
        vae,
        x,
        shaped(11, 5, metrics),
        "codebook 0 is COSINE 5 x 5, the configuration says COSINE 4 x 5");
    assertRefused(
        vae,
        x,
        shaped(11, 4, metrics.subList(0, 2)),
        "State of an RQ-VAE with 2 levels; this configuration has 3");
    assertRefused(
        vae, Arrays.copyOf(x, 30 * 10), shaped(10, 4, metrics), "parameters; this configuration");
    assertThat(vae.tokenizer(new float[3]).digest()).isEqualTo(digest);
  }

  private static RqVaeConfig shaped(int inputDim, int codewords, List<Metric> metrics) {
    return new RqVaeConfig(
        inputDim, List.of(7, 6), 5, codewords, metrics, StraightThrough.PER_LEVEL, 1f, 1f);
  }

  private static void assertRefused(RqVae vae, float[] x, RqVaeConfig other, String message)
      throws IOException {
    RqVae written = new RqVae(other, new Rng(9));
    written.initialiseCodebooks(x, 30, new Rng(3));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    written.writeState(new DataOutputStream(bytes));
    assertThatThrownBy(
            () -> vae.readState(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray()))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }

  private static void train(RqVae vae, float[] x, Rng rng) {
    for (int step = 0; step < 5; step++) {
      vae.forwardTrain(x, 30);
      vae.backward(null);
      vae.applyGradients(1e-3f);
      vae.updateCodebooks(0.8f, rng);
    }
  }

  /**
   * The model in double precision with plain loops; codes, and what straight-through holds
   * constant, are those of the model.
   */
  private static final class Reference {
    private final RqVaeConfig config;
    private final float[] start;
    private final float[] x;
    private final float[] dz;
    private final int[] codes;
    private final List<Codebook> books;
    private final double[][][] startInputs;

    Reference(RqVae vae, float[] x, float[] dz) {
      this.config = vae.config();
      this.start = vae.parameters().clone();
      this.x = x;
      this.dz = dz;
      this.codes = vae.codes().clone();
      this.books = vae.quantizer().codebooks();
      this.startInputs = new double[N][][];
      for (int i = 0; i < N; i++) {
        startInputs[i] = inputs(encode(params(), i), i);
      }
    }

    double[] params() {
      double[] p = new double[start.length];
      for (int i = 0; i < p.length; i++) {
        p[i] = start[i];
      }
      return p;
    }

    double actualLoss(double[] p) {
      double sum = 0;
      for (int i = 0; i < N; i++) {
        double[] f = encode(p, i);
        double[] z = new double[config.dim()];
        for (int l = 0; l < config.levels(); l++) {
          for (int d = 0; d < z.length; d++) {
            z[d] += word(i, l, d);
          }
        }
        sum += itemLoss(p, f, z, i);
      }
      return sum / N;
    }

    /**
     * The function whose ordinary derivative is the straight-through one: z moves with the level
     * inputs, codewords stay.
     */
    double surrogate(double[] p) {
      double sum = 0;
      for (int i = 0; i < N; i++) {
        double[] f = encode(p, i);
        double[][] u = inputs(f, i);
        double[] startF = encode(params(), i);
        double[] z = new double[config.dim()];
        for (int d = 0; d < z.length; d++) {
          for (int l = 0; l < config.levels(); l++) {
            z[d] += word(i, l, d);
            if (config.straightThrough() == StraightThrough.PER_LEVEL) {
              z[d] += u[l][d] - startInputs[i][l][d];
            }
            if (config.straightThrough() == StraightThrough.ROTATION) {
              double[] row = rotation(i, l)[d];
              for (int e = 0; e < row.length; e++) {
                z[d] += row[e] * (u[l][e] - startInputs[i][l][e]);
              }
            }
          }
          if (config.straightThrough() == StraightThrough.SINGLE) {
            z[d] += f[d] - startF[d];
          }
        }
        sum += itemLoss(p, f, z, i);
        for (int d = 0; d < z.length; d++) {
          sum += N * dz[i * z.length + d] * z[d];
        }
      }
      return sum / N;
    }

    /** The rotation and scaling [D, D] that takes the level's input to its codeword. */
    private double[][] rotation(int i, int l) {
      int dim = config.dim();
      double[] a = startInputs[i][l];
      if (Arrays.stream(a).allMatch(v -> v == 0)) {
        return new double[dim][dim];
      }
      double[] b = new double[dim];
      for (int d = 0; d < dim; d++) {
        b[d] = word(i, l, d);
      }
      double lengthA = Math.sqrt(Arrays.stream(a).map(v -> v * v).sum());
      double lengthB = Math.sqrt(Arrays.stream(b).map(v -> v * v).sum());
      double[] w = new double[dim];
      for (int d = 0; d < dim; d++) {
        w[d] = a[d] / lengthA + b[d] / lengthB;
      }
      double lengthW = Math.sqrt(Arrays.stream(w).map(v -> v * v).sum());
      double[][] r = new double[dim][dim];
      double[] turned = new double[dim];
      for (int d = 0; d < dim; d++) {
        for (int e = 0; e < dim; e++) {
          r[d][e] =
              lengthB
                  / lengthA
                  * ((d == e ? 1 : 0)
                      - 2 * w[d] * w[e] / (lengthW * lengthW)
                      + 2 * b[d] / lengthB * a[e] / lengthA);
          turned[d] += r[d][e] * a[e];
        }
      }
      for (int d = 0; d < dim; d++) {
        assertThat(turned[d]).isCloseTo(b[d], within(1e-9));
      }
      return r;
    }

    private double itemLoss(double[] p, double[] f, double[] z, int i) {
      double loss = 0;
      double[] y = stack(p, encoderSize(), config.decoderDims(), z);
      for (int d = 0; d < y.length; d++) {
        double diff = y[d] - x[i * y.length + d];
        loss += config.reconstruction() * diff * diff;
      }
      double[][] u = inputs(f, i);
      for (int l = 0; l < config.levels(); l++) {
        for (int d = 0; d < config.dim(); d++) {
          double diff = u[l][d] - word(i, l, d);
          loss += config.commitment() * diff * diff / config.dim();
        }
      }
      return loss;
    }

    private double word(int i, int l, int d) {
      return books.get(l).codewords()[codes[i * config.levels() + l] * config.dim() + d];
    }

    private double[][] inputs(double[] f, int i) {
      double[][] u = new double[config.levels()][];
      double[] r = f.clone();
      for (int l = 0; l < u.length; l++) {
        u[l] = r.clone();
        if (config.metrics().get(l) == Metric.COSINE) {
          double norm = Math.sqrt(Arrays.stream(r).map(v -> v * v).sum());
          for (int d = 0; d < r.length; d++) {
            // Shorter than 1e-4 has no direction.
            u[l][d] = norm < 1e-4 ? 0 : u[l][d] / norm;
          }
        }
        for (int d = 0; d < r.length; d++) {
          r[d] -= word(i, l, d);
        }
      }
      return u;
    }

    private int encoderSize() {
      return new Layers(config.encoderDims()).size();
    }

    private double[] encode(double[] p, int i) {
      double[] row = new double[config.inputDim()];
      for (int d = 0; d < row.length; d++) {
        row[d] = x[i * row.length + d];
      }
      return stack(p, 0, config.encoderDims(), row);
    }

    private static double[] stack(double[] p, int offset, int[] dims, double[] input) {
      double[] from = input;
      int at = offset;
      for (int l = 0; l + 1 < dims.length; l++) {
        double[] to = new double[dims[l + 1]];
        for (int o = 0; o < to.length; o++) {
          double sum = p[at + dims[l] * dims[l + 1] + o];
          for (int d = 0; d < from.length; d++) {
            sum += from[d] * p[at + d * dims[l + 1] + o];
          }
          to[o] = l + 2 < dims.length ? Math.max(0, sum) : sum;
        }
        at += (dims[l] + 1) * dims[l + 1];
        from = to;
      }
      return from;
    }
  }
}
