package io.sidstream.model.oracle;

import io.sidstream.model.recommend.RecommenderShape;
import io.sidstream.model.recommend.SequenceRecommender;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Erf;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The recommender without dropout, for one sequence of n items at a time, and its two losses.
 *
 * <pre>{@code
 * H_0     = LN(S + P)                      P the last n of the position embeddings
 * A       = LN(attend(H) W_o + b_o + H)    attention sublayer of a block
 * H_{b+1} = LN(gelu(A W_1 + b_1) W_2 + b_2 + A)
 * }</pre>
 */
public final class RecommenderOracle {
  private static final double EPSILON = 1e-12;

  /** Scale and shift {@code [1, D]}. */
  private record Norm(INDArray gamma, INDArray beta) {}

  /** W and b. */
  private record Dense(INDArray weights, INDArray bias) {
    INDArray apply(INDArray x) {
      return DenseOracle.affine(x, weights, bias);
    }
  }

  private record Block(
      Dense qkv, Dense attended, Norm norm1, Dense wide, Dense narrow, Norm norm2) {}

  private final RecommenderShape shape;
  private final float[] params;
  private final INDArray positions;
  private final Norm norm0;
  private final List<Block> blocks = new ArrayList<>();
  private int at;

  /** With the weights that a recommender has now. */
  public RecommenderOracle(SequenceRecommender recommender) {
    shape = recommender.shape();
    params = recommender.parameters();
    int d = shape.dim();
    positions = Matrices.matrix(params, 0, shape.maxLen(), d);
    at = shape.maxLen() * d;
    norm0 = norm(d);
    for (int b = 0; b < shape.blocks(); b++) {
      Dense qkv = dense(d, 3 * d);
      Dense attended = dense(d, d);
      Norm norm1 = norm(d);
      Dense wide = dense(d, shape.ffn());
      Dense narrow = dense(shape.ffn(), d);
      blocks.add(new Block(qkv, attended, norm1, wide, narrow, norm(d)));
    }
  }

  private Dense dense(int in, int out) {
    INDArray weights = Matrices.matrix(params, at, in, out);
    INDArray bias = Matrices.row(params, at + in * out, out);
    at += (in + 1) * out;
    return new Dense(weights, bias);
  }

  private Norm norm(int d) {
    Norm norm = new Norm(Matrices.row(params, at, d), Matrices.row(params, at + d, d));
    at += 2 * d;
    return norm;
  }

  /**
   * The hidden states of a sequence.
   *
   * @param s representations of its items, oldest first {@code [n, D]}
   * @return h {@code [n, D]}
   */
  public INDArray hidden(INDArray s) {
    INDArray h = layerNorm(s.add(lastRows(positions, s.rows())), norm0);
    for (Block block : blocks) {
      INDArray a =
          layerNorm(block.attended().apply(attention(block.qkv().apply(h))).add(h), block.norm1());
      h = layerNorm(block.narrow().apply(gelu(block.wide().apply(a))).add(a), block.norm2());
    }
    return h;
  }

  /** Row t of a sequence of n has position maxLen − n + t. */
  private static INDArray lastRows(INDArray positions, int n) {
    return positions.get(
        NDArrayIndex.interval(positions.rows() - n, positions.rows()), NDArrayIndex.all());
  }

  /** The heads' softmax(mask(Q Kᵀ / √d)) V side by side, {@code [n, D]}, of [Q K V]. */
  private INDArray attention(INDArray qkv) {
    int d = shape.dim();
    int width = d / shape.heads();
    INDArray[] heads = new INDArray[shape.heads()];
    for (int h = 0; h < heads.length; h++) {
      INDArray q = columns(qkv, h * width, width);
      INDArray k = columns(qkv, d + h * width, width);
      INDArray v = columns(qkv, 2 * d + h * width, width);
      INDArray scores = q.mmul(k.transpose()).div(Math.sqrt(width));
      heads[h] = softmax(causal(scores)).mmul(v);
    }
    return Nd4j.hstack(heads);
  }

  private static INDArray columns(INDArray x, int from, int n) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, from + n)).dup();
  }

  /** Scores of what comes later become −∞. */
  static INDArray causal(INDArray scores) {
    INDArray masked = scores.dup();
    for (int i = 0; i < masked.rows(); i++) {
      for (int j = i + 1; j < masked.columns(); j++) {
        masked.putScalar(i, j, Double.NEGATIVE_INFINITY);
      }
    }
    return masked;
  }

  /** e^{x_j − max} / Σ e^{x_k − max} in each row. */
  static INDArray softmax(INDArray x) {
    INDArray powers = Transforms.exp(x.subColumnVector(x.max(true, 1)));
    return powers.divColumnVector(powers.sum(true, 1));
  }

  /** (x − mean) / √(variance + ε) γ + β in each row; the variance is the biased one. */
  static INDArray layerNorm(INDArray x, INDArray gamma, INDArray beta) {
    INDArray centred = x.subColumnVector(x.mean(true, 1));
    INDArray variance = centred.mul(centred).mean(true, 1);
    return centred
        .divColumnVector(Transforms.sqrt(variance.add(EPSILON)))
        .mulRowVector(gamma)
        .addRowVector(beta);
  }

  private static INDArray layerNorm(INDArray x, Norm norm) {
    return layerNorm(x, norm.gamma(), norm.beta());
  }

  /** x Φ(x), Φ(x) = (1 + erf(x / √2)) / 2. */
  static INDArray gelu(INDArray x) {
    INDArray phi = Nd4j.getExecutioner().exec(new Erf(x.div(Math.sqrt(2)))).add(1.0).mul(0.5);
    return x.mul(phi);
  }

  /**
   * Loss {@code bce}: the mean over positions of −log σ(⟨h, s_target⟩) − log(1 − σ(⟨h,
   * s_negative⟩)).
   *
   * @param h hidden states {@code [n, D]}
   * @param targets representation of each position's target {@code [n, D]}
   * @param negatives representation of each position's negative {@code [n, D]}
   */
  public static double bce(INDArray h, INDArray targets, INDArray negatives) {
    INDArray up = h.mul(targets).sum(1);
    INDArray down = h.mul(negatives).sum(1);
    // −log σ(x) = softplus(−x) and −log(1 − σ(x)) = softplus(x).
    return softplus(up.neg()).add(softplus(down)).meanNumber().doubleValue();
  }

  /** log(1 + e^x), as max(x, 0) + log(1 + e^{−|x|}). */
  static INDArray softplus(INDArray x) {
    INDArray rest = Transforms.log(Transforms.exp(Transforms.abs(x).neg()).add(1.0));
    return DenseOracle.relu(x).add(rest);
  }

  /**
   * Loss {@code softmax}: the mean over positions of −log softmax_target(⟨h, s_j⟩ / temperature −
   * log q_j) over the candidates j.
   *
   * @param h hidden states {@code [n, D]}
   * @param candidates representations {@code [m, D]}
   * @param target candidate of each position {@code [n]}
   * @param logQ log q_j {@code [1, m]}; null for no correction
   */
  public static double sampledSoftmax(
      INDArray h, INDArray candidates, int[] target, double temperature, INDArray logQ) {
    INDArray scores = h.mmul(candidates.transpose()).div(temperature);
    if (logQ != null) {
      scores = scores.subRowVector(logQ);
    }
    INDArray max = scores.max(true, 1);
    INDArray logSum =
        Transforms.log(Transforms.exp(scores.subColumnVector(max)).sum(true, 1)).add(max);
    double loss = 0;
    for (int i = 0; i < target.length; i++) {
      loss += logSum.getDouble(i, 0) - scores.getDouble(i, target[i]);
    }
    return loss / target.length;
  }
}
