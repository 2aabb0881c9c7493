package io.sidstream.model.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.recommend.PaddedReference;
import io.sidstream.model.recommend.RecommenderShape;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The gradient of the whole joint loss with respect to encoder, decoder and ID embeddings, under
 * each loss, variant and dropout of a part of the representations, against central differences of a
 * double-precision reference in plain loops. Straight-through: the reference's z is sum over levels
 * of u_l - stop(u_l) + C_l[c_l], u_l the level's input (normalised at a cosine level), codes and
 * codewords held.
 */
class JointGradientTest {
  private static final int DX = 5;
  private static final int DZ = 4;

  private JointConfig config;
  private ItemTable items;
  private final UserSequences users = new UserSequences(7);

  private static JointConfig.Builder base() {
    return JointConfig.builder()
        .contentDim(DX)
        .hidden(List.of(6))
        .semanticDim(DZ)
        .idDim(2)
        .codewords(4)
        .metrics(List.of(Metric.COSINE, Metric.EUCLIDEAN))
        .ffn(8)
        .maxLen(6)
        .dropout(0f)
        .sharedNegatives(5)
        .temperature(0.8f)
        .batchUsers(1)
        .reconstructionWeight(1.3f)
        .commitmentWeight(0.7f);
  }

  private double[] recommender;

  /** Of the second one, if there is one. */
  private double[] semanticRecommender;

  private double[][] codebooks;
  private double[][] ids;
  private int[] batch;
  private int candidates;
  private int[] negatives;
  private boolean semanticDropped;
  private boolean[] idDropped;
  private boolean[] idHiddenFromSecond;
  private int[] codes;
  private double[][][] heldInputs;

  static List<Arguments> cases() {
    JointConfig.Builder bce = base().loss(JointConfig.Loss.BCE);
    JointConfig.Builder semantic = base().variant(JointConfig.Variant.SEMANTIC);
    JointConfig.Builder both = base().idDim(4).semanticShare(0.3f).semanticIdDim(2).idDropout(0.5f);
    return List.of(
        Arguments.of("softmax", base().build(), false),
        Arguments.of("logQ 0", base().logQ(0f).build(), false),
        Arguments.of("logQ 0.5", base().logQ(0.5f).build(), false),
        Arguments.of("a second recommender", base().semanticShare(0.3f).build(), false),
        Arguments.of("BCE", bce.build(), false),
        Arguments.of("BCE, a second", bce.semanticShare(0.3f).build(), false),
        Arguments.of("semantic", semantic.build(), false),
        Arguments.of("semantic, BCE", semantic.loss(JointConfig.Loss.BCE).build(), false),
        Arguments.of("IDs dropped", base().idDropout(0.5f).build(), false),
        Arguments.of("z kept", base().semanticDropout(0.5f).idDropout(0.3f).build(), false),
        Arguments.of("z dropped", base().semanticDropout(0.5f).idDropout(0.3f).build(), true),
        Arguments.of(
            "z dropped, a second", base().semanticDropout(0.5f).semanticShare(0.3f).build(), true),
        Arguments.of("a second of z and IDs", both.semanticDropout(0.5f).build(), false),
        Arguments.of("z dropped, a second of z and IDs", both.build(), true));
  }

  /** A seed under which the first step drops z, or does not. */
  private static long seed(JointConfig config, boolean drops) {
    long seed = 8;
    while (Rng.uniform(Rng.hash(seed, 1, -1)) < config.semanticDropout() != drops) {
      seed++;
    }
    return seed;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void agreesWithFiniteDifferences(String name, JointConfig of, boolean dropsSemantics) {
    config = of;
    items = JointTrainer.newItemTable(config);
    int di = config.dim() - DZ;
    Rng rng = new Rng(4);
    for (int i = 0; i < 30; i++) {
      items.put(i, vector(rng, DX), 0);
      float[] e = vector(rng, Math.max(2, di));
      System.arraycopy(e, 0, items.id(), i * di, di);
    }
    users.set(0, new int[] {1, 2, 3, 4}, new long[4]);
    users.set(1, new int[] {5, 1, 7}, new long[3]);
    JointTrainer trainer = new JointTrainer(config, items, users, seed(config, dropsSemantics));
    trainer.initialiseCodebooks(30);
    recommender = moved(trainer.recommender(), rng);
    assertThat(trainer.towers()).hasSize(config.semanticShare() > 0f ? 1 : 0);
    for (Tower tower : trainer.towers()) {
      semanticRecommender = moved(tower.recommender(), rng);
    }
    codebooks = new double[2][];
    for (int l = 0; l < 2; l++) {
      codebooks[l] = doubles(trainer.quantizer().quantizer().codebook(l).codewords());
    }
    double[] idsFlat = doubles(items.id());
    double[] p = doubles(trainer.quantizer().parameters());

    StepStats stats = trainer.step(new int[] {0, 1}, Phase.JOINT);
    assertThat(stats.positions()).isEqualTo(5);
    batch = trainer.batchItems();
    candidates = trainer.batchCandidates();
    codes = trainer.quantizer().codes().clone();
    negatives = trainer.batchNegatives();
    semanticDropped = trainer.semanticDropped();
    assertThat(semanticDropped).isEqualTo(dropsSemantics);
    idDropped = new boolean[batch.length];
    idHiddenFromSecond = new boolean[batch.length];
    ids = new double[batch.length][di];
    for (int i = 0; i < batch.length; i++) {
      System.arraycopy(idsFlat, batch[i] * di, ids[i], 0, di);
      idHiddenFromSecond[i] = trainer.idDropped(i);
      idDropped[i] = !semanticDropped && idHiddenFromSecond[i];
    }
    if (config.idDropout() > 0f) {
      assertThat(idHiddenFromSecond).contains(true).contains(false);
    }
    heldInputs = new double[2][batch.length][];
    double[] parts = new double[3];
    loss(p, true, parts);
    assertThat(stats.recommendation()).isCloseTo(parts[0], within(1e-4));
    assertThat(stats.reconstruction()).isCloseTo(parts[1], within(1e-4));
    assertThat(stats.commitment()).isCloseTo(parts[2], within(1e-4));
    float[] gradients = trainer.quantizer().gradients();
    for (int i = 0; i < p.length; i++) {
      check("parameter " + i, gradients[i], p, p, i);
    }
    // What Adam's first moment was made of in the first step.
    float[] mean = items.idMean();
    for (int i = 0; i < batch.length; i++) {
      for (int j = 0; j < di; j++) {
        check("ID embedding " + i + ", " + j, mean[batch[i] * di + j] / 0.1f, p, ids[i], j);
      }
    }
  }

  private void check(String what, double gradient, double[] p, double[] variable, int at) {
    double[] parts = new double[3];
    double was = variable[at];
    variable[at] = was + 1e-5;
    double up = loss(p, false, parts);
    variable[at] = was - 1e-5;
    double down = loss(p, false, parts);
    variable[at] = was;
    double expected = (up - down) / 2e-5;
    assertThat(gradient).as(what).isCloseTo(expected, within(2e-4 * (1 + Math.abs(expected))));
  }

  private double loss(double[] p, boolean hold, double[] parts) {
    int n = batch.length;
    double[][] s = new double[n][config.dim()];
    double[][] zs = new double[n][];
    double reconstruction = 0;
    double commitment = 0;
    for (int i = 0; i < n; i++) {
      double[] x = new double[DX];
      for (int j = 0; j < DX; j++) {
        x[j] = items.content()[batch[i] * DX + j];
      }
      double[] r = twoLayers(x, p, 0, DX, 6, DZ);
      double[] z = new double[DZ];
      for (int l = 0; l < 2; l++) {
        double norm = l == 0 ? Math.sqrt(dot(r, r)) : 1;
        double[] u = new double[DZ];
        for (int j = 0; j < DZ; j++) {
          u[j] = r[j] / norm;
        }
        if (hold) {
          heldInputs[l][i] = u;
        }
        for (int j = 0; j < DZ; j++) {
          double c = codebooks[l][codes[i * 2 + l] * DZ + j];
          commitment += (u[j] - c) * (u[j] - c) / n / DZ;
          z[j] += u[j] - heldInputs[l][i][j] + c;
          r[j] -= c;
        }
      }
      double[] y = twoLayers(z, p, (DX + 1) * 6 + 7 * DZ, DZ, 6, DX);
      for (int j = 0; j < DX; j++) {
        reconstruction += (y[j] - x[j]) * (y[j] - x[j]) / n;
      }
      zs[i] = Arrays.copyOf(z, config.semanticShape().dim());
      if (!idHiddenFromSecond[i]) {
        System.arraycopy(ids[i], 0, zs[i], DZ, zs[i].length - DZ);
      }
      if (!semanticDropped) {
        System.arraycopy(z, 0, s[i], 0, DZ);
      }
      if (!idDropped[i]) {
        System.arraycopy(ids[i], 0, s[i], DZ, ids[i].length);
      }
    }
    double recommendation = recommendation(config.recommenderShape(), recommender, s);
    if (semanticRecommender != null) {
      recommendation += recommendation(config.semanticShape(), semanticRecommender, zs);
    }
    parts[0] = recommendation;
    parts[1] = reconstruction;
    parts[2] = commitment;
    return recommendation + 1.3 * reconstruction + 0.7 * commitment;
  }

  private double recommendation(RecommenderShape shape, double[] weights, double[][] s) {
    double recommendation = 0;
    int position = 0;
    for (int user = 0; user < 2; user++) {
      int[] sequence = users.items(user);
      double[][] in = new double[sequence.length - 1][];
      for (int t = 0; t < in.length; t++) {
        in[t] = s[slot(sequence[t])];
      }
      double[][] h = PaddedReference.forward(shape, weights, in);
      for (int t = 0; t < in.length; t++) {
        double[] next = s[slot(sequence[t + 1])];
        if (config.loss() == JointConfig.Loss.BCE) {
          double[] other = s[negatives[position++]];
          double both = Math.log1p(Math.exp(-dot(h[t], next)));
          recommendation += (both + Math.log1p(Math.exp(dot(h[t], other)))) / 5;
          continue;
        }
        double all = 0;
        for (int j = 0; j < candidates; j++) {
          all += Math.exp(dot(h[t], s[j]) / 0.8 - logQ(batch[j]));
        }
        double own = dot(h[t], next) / 0.8 - logQ(sequence[t + 1]);
        recommendation += (Math.log(all) - own) / 5;
      }
    }
    return recommendation;
  }

  /** Moves the weights off their start, where some gradients are 0; as doubles. */
  private static double[] moved(SequenceRecommender recommender, Rng rng) {
    float[] weights = recommender.parameters();
    for (int i = 0; i < weights.length; i++) {
      weights[i] += 0.3f * rng.nextGaussian();
    }
    return doubles(weights);
  }

  /** By its definition, in part: each user is in the batch with probability 1/2. */
  private double logQ(int item) {
    double absent = Math.pow(1 - 1.0 / items.knownCount(), config.sharedNegatives());
    for (int user = 0; user < 2; user++) {
      int[] sequence = users.items(user);
      for (int t = 1; t < sequence.length; t++) {
        absent *= sequence[t] == item ? 0.5 : 1;
      }
    }
    return config.logQ() * Math.log(1 - absent);
  }

  private int slot(int item) {
    for (int i = 0; i < batch.length; i++) {
      if (batch[i] == item) {
        return i;
      }
    }
    throw new AssertionError("item " + item + " is not in the batch");
  }

  private static double[] twoLayers(double[] x, double[] p, int at, int in, int hidden, int out) {
    double[] h = linear(x, p, at, in, hidden);
    for (int i = 0; i < hidden; i++) {
      h[i] = Math.max(0, h[i]);
    }
    return linear(h, p, at + (in + 1) * hidden, hidden, out);
  }

  private static double[] linear(double[] x, double[] p, int at, int in, int out) {
    double[] y = new double[out];
    for (int j = 0; j < out; j++) {
      y[j] = p[at + in * out + j];
      for (int i = 0; i < in; i++) {
        y[j] += x[i] * p[at + i * out + j];
      }
    }
    return y;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static float[] vector(Rng rng, int n) {
    float[] a = new float[n];
    for (int i = 0; i < n; i++) {
      a[i] = rng.nextGaussian();
    }
    return a;
  }

  private static double[] doubles(float[] a) {
    double[] b = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      b[i] = a[i];
    }
    return b;
  }
}
