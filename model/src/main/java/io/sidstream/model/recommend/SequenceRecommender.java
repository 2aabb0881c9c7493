package io.sidstream.model.recommend;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * SASRec (Kang and McAuley, ICDM 2018) as S3-Rec (Zhou et al., CIKM 2020) fine-tunes it:
 * representations plus position embedding, LayerNorm, dropout, then blocks of causal self-attention
 * and an exact-GELU feed-forward layer, each with dropout, a residual and LayerNorm after it.
 *
 * <p>Sequences are packed: the rows of all sequences follow one another without padding, sequence b
 * is rows [offsets[b], offsets[b + 1]). The last row of a sequence has the last position index (row
 * t of n has position maxLen - n + t), so that the results are those of the padded, right-aligned
 * original.
 *
 * <p>Arrays that methods return belong to this object and hold until its next call. Not
 * thread-safe.
 */
public final class SequenceRecommender {
  private static final float INIT_DEVIATION = 0.02f;

  /** As S3-Rec's and the authors' code. */
  private static final float LAYER_NORM_EPS = 1e-12f;

  private final RecommenderShape shape;
  private final int dim;
  private final int headDim;
  private final Dropout dropout;
  private final Block[] blocks;
  private final int pos;
  private final int gamma0;
  private final int beta0;
  private final float[] params;
  private final float[] grads;
  private final float[] adamMean;
  private final float[] adamSquare;
  private long adamSteps;

  private int rows;
  private int sequences;
  private int[] offsets = {0};
  private boolean training;
  private long dropoutSeed;
  private long dropoutStep;
  private float[] sum0 = {};
  private float[] mean0 = {};
  private float[] rstd0 = {};
  private float[] y0 = {};
  private float[] wide = {};
  private float[] dA = {};
  private float[] dB = {};
  private float[] dC = {};
  private final float[] weights;

  /**
   * Offsets of a block's weights in the flat parameters, and its activations of the last forward.
   */
  private static final class Block {
    int wqkv;
    int bqkv;
    int wo;
    int bo;
    int gamma1;
    int beta1;
    int w1;
    int b1;
    int w2;
    int b2;
    int gamma2;
    int beta2;
    float[] in;
    float[] qkv = {};
    float[] probs = {};
    float[] ctx = {};
    float[] sum1 = {};
    float[] mean1 = {};
    float[] rstd1 = {};
    float[] y1 = {};
    float[] gelu = {};
    float[] slope = {};
    float[] sum2 = {};
    float[] mean2 = {};
    float[] rstd2 = {};
    float[] y2 = {};
  }

  /** Weights and positions from N(0, 0.02), biases 0, LayerNorm at identity. */
  public SequenceRecommender(RecommenderShape shape, Rng rng) {
    this.shape = shape;
    dim = shape.dim();
    headDim = dim / shape.heads();
    dropout = new Dropout(shape.dropout());
    int d = dim;
    int f = shape.ffn();
    int at = 0;
    pos = at;
    at += shape.maxLen() * d;
    gamma0 = at;
    at += d;
    beta0 = at;
    at += d;
    blocks = new Block[shape.blocks()];
    for (int i = 0; i < blocks.length; i++) {
      Block b = new Block();
      blocks[i] = b;
      b.wqkv = at;
      b.bqkv = b.wqkv + d * 3 * d;
      b.wo = b.bqkv + 3 * d;
      b.bo = b.wo + d * d;
      b.gamma1 = b.bo + d;
      b.beta1 = b.gamma1 + d;
      b.w1 = b.beta1 + d;
      b.b1 = b.w1 + d * f;
      b.w2 = b.b1 + f;
      b.b2 = b.w2 + f * d;
      b.gamma2 = b.b2 + d;
      b.beta2 = b.gamma2 + d;
      at = b.beta2 + d;
    }
    params = new float[at];
    grads = new float[at];
    adamMean = new float[at];
    adamSquare = new float[at];
    weights = new float[shape.maxLen()];
    normal(rng, pos, shape.maxLen() * d);
    ones(gamma0);
    for (Block b : blocks) {
      normal(rng, b.wqkv, d * 3 * d);
      normal(rng, b.wo, d * d);
      normal(rng, b.w1, d * f);
      normal(rng, b.w2, f * d);
      ones(b.gamma1);
      ones(b.gamma2);
    }
  }

  private void normal(Rng rng, int from, int n) {
    for (int i = from; i < from + n; i++) {
      params[i] = INIT_DEVIATION * rng.nextGaussian();
    }
  }

  private void ones(int from) {
    java.util.Arrays.fill(params, from, from + dim, 1f);
  }

  /** The sizes. */
  public RecommenderShape shape() {
    return shape;
  }

  /** All weights, flat: positions [maxLen, D], LayerNorm, then block by block. Live. */
  public float[] parameters() {
    return params;
  }

  /** The gradient of {@link #parameters()} that the last backward left. Live. */
  public float[] gradients() {
    return grads;
  }

  /**
   * Hidden states without dropout.
   *
   * @param s representations [offsets[sequences], D]
   * @param offsets where sequences begin, and where the last ends; first 0, never falling
   * @return h [offsets[sequences], D]
   */
  public float[] forward(float[] s, int[] offsets, int sequences) {
    training = false;
    return run(s, offsets, sequences);
  }

  /** As {@link #forward}, with dropout masks that are a function of seed and step alone. */
  public float[] forwardTrain(float[] s, int[] offsets, int sequences, long seed, long step) {
    training = shape.dropout() > 0f;
    dropoutSeed = seed;
    dropoutStep = step;
    return run(s, offsets, sequences);
  }

  private int key(int layer) {
    return Dropout.key(dropoutSeed, dropoutStep, layer);
  }

  private float[] run(float[] s, int[] offs, int count) {
    sequences = count;
    offsets = offs;
    rows = offs[count];
    int longest = 0;
    int probs = 0;
    for (int b = 0; b < count; b++) {
      int n = offs[b + 1] - offs[b];
      if (n < 0 || n > shape.maxLen()) {
        throw new IllegalArgumentException(
            "sequence "
                + b
                + " has "
                + n
                + " items; it must have 0 to maxLen="
                + shape.maxLen()
                + ", so cut it");
      }
      longest = Math.max(longest, n);
      probs += shape.heads() * n * n;
    }
    if (s.length < rows * dim) {
      throw new IllegalArgumentException(
          "representations hold "
              + s.length
              + " numbers; "
              + rows
              + " rows of "
              + dim
              + " need "
              + rows * dim);
    }
    if (rows == 0) {
      return y0;
    }
    sum0 = grown(sum0, rows * dim);
    mean0 = grown(mean0, rows);
    rstd0 = grown(rstd0, rows);
    y0 = grown(y0, rows * dim);
    wide = grown(wide, rows * Math.max(shape.ffn(), 3 * dim));
    for (int b = 0; b < count; b++) {
      int n = offs[b + 1] - offs[b];
      int from = pos + (shape.maxLen() - n) * dim;
      int o = offs[b] * dim;
      for (int i = 0; i < n * dim; i++) {
        sum0[o + i] = s[o + i] + params[from + i];
      }
    }
    Kernels.layerNorm(
        sum0, 0, rows, dim, params, gamma0, params, beta0, LAYER_NORM_EPS, y0, 0, mean0, rstd0);
    if (training) {
      dropout.apply(key(0), y0, rows * dim);
    }
    float[] x = y0;
    for (int i = 0; i < blocks.length; i++) {
      x = block(blocks[i], x, i, probs);
    }
    return x;
  }

  private float[] block(Block b, float[] in, int index, int probs) {
    int d = dim;
    int f = shape.ffn();
    int n = rows * d;
    b.in = in;
    b.qkv = grown(b.qkv, 3 * n);
    b.probs = grown(b.probs, probs);
    b.ctx = grown(b.ctx, n);
    b.sum1 = grown(b.sum1, n);
    b.mean1 = grown(b.mean1, rows);
    b.rstd1 = grown(b.rstd1, rows);
    b.y1 = grown(b.y1, n);
    b.gelu = grown(b.gelu, rows * f);
    b.slope = grown(b.slope, rows * f);
    b.sum2 = grown(b.sum2, n);
    b.mean2 = grown(b.mean2, rows);
    b.rstd2 = grown(b.rstd2, rows);
    b.y2 = grown(b.y2, n);

    gemm(in, d, b.wqkv, b.bqkv, 3 * d, b.qkv);
    attention(b, key(1 + 3 * index));
    gemm(b.ctx, d, b.wo, b.bo, d, b.sum1);
    if (training) {
      dropout.apply(key(2 + 3 * index), b.sum1, n);
    }
    Kernels.axpy(1f, in, 0, b.sum1, 0, n);
    Kernels.layerNorm(
        b.sum1,
        0,
        rows,
        d,
        params,
        b.gamma1,
        params,
        b.beta1,
        LAYER_NORM_EPS,
        b.y1,
        0,
        b.mean1,
        b.rstd1);

    gemm(b.y1, d, b.w1, b.b1, f, wide);
    Layers.gelu(wide, b.gelu, b.slope, rows * f);
    gemm(b.gelu, f, b.w2, b.b2, d, b.sum2);
    if (training) {
      dropout.apply(key(3 + 3 * index), b.sum2, n);
    }
    Kernels.axpy(1f, b.y1, 0, b.sum2, 0, n);
    Kernels.layerNorm(
        b.sum2,
        0,
        rows,
        d,
        params,
        b.gamma2,
        params,
        b.beta2,
        LAYER_NORM_EPS,
        b.y2,
        0,
        b.mean2,
        b.rstd2);
    return b.y2;
  }

  /**
   * ctx_i = sum over j &lt;= i of drop(softmax_j(q_i k_j / sqrt(headDim))) v_j, per sequence and
   * head.
   */
  private void attention(Block b, int key) {
    int d3 = 3 * dim;
    float scale = (float) (1 / Math.sqrt(headDim));
    int at = 0;
    java.util.Arrays.fill(b.ctx, 0, rows * dim, 0f);
    for (int q = 0; q < sequences; q++) {
      int first = offsets[q];
      int n = offsets[q + 1] - first;
      for (int h = 0; h < shape.heads(); h++) {
        int ho = h * headDim;
        for (int i = 0; i < n; i++) {
          int qo = (first + i) * d3 + ho;
          int po = at + i * n;
          for (int j = 0; j <= i; j++) {
            b.probs[po + j] =
                scale * Kernels.dot(b.qkv, qo, b.qkv, (first + j) * d3 + dim + ho, headDim);
          }
          float max = Layers.max(b.probs, po, i + 1);
          float inverse = 1f / Layers.expShifted(b.probs, po, i + 1, max);
          int co = (first + i) * dim + ho;
          for (int j = 0; j <= i; j++) {
            float p = b.probs[po + j] * inverse;
            b.probs[po + j] = p;
            float w = training ? p * dropout.factor(key, po + j) : p;
            if (w != 0f) {
              Kernels.axpy(w, b.qkv, (first + j) * d3 + 2 * dim + ho, b.ctx, co, headDim);
            }
          }
        }
        at += n * n;
      }
    }
  }

  /**
   * Gradients of the last forward. {@link #gradients()} is overwritten.
   *
   * @param dh gradient of the hidden states [rows, D]
   * @return the gradient of the representations [rows, D]
   */
  public float[] backward(float[] dh) {
    int n = rows * dim;
    int f = shape.ffn();
    java.util.Arrays.fill(grads, 0f);
    if (rows == 0) {
      return dB;
    }
    dA = grown(dA, n);
    dB = grown(dB, n);
    dC = grown(dC, n);
    wide = grown(wide, rows * Math.max(f, 3 * dim));
    System.arraycopy(dh, 0, dA, 0, n);
    for (int i = blocks.length - 1; i >= 0; i--) {
      Block b = blocks[i];
      // LayerNorm 2, then the feed-forward layer beside its residual: dB is the gradient of y1.
      Kernels.layerNormBackward(
          dA, 0, b.sum2, 0, rows, dim, params, b.gamma2, b.mean2, b.rstd2, dB, 0, grads, b.gamma2,
          grads, b.beta2);
      masked(3 + 3 * i, dB, dC, n);
      gemmWeights(b.gelu, f, dC, dim, b.w2);
      Kernels.addColumnSums(dC, 0, rows, dim, grads, b.b2);
      gemmBack(dC, dim, b.w2, f, wide, 0f);
      for (int k = 0; k < rows * f; k++) {
        wide[k] *= b.slope[k];
      }
      gemmWeights(b.y1, dim, wide, f, b.w1);
      Kernels.addColumnSums(wide, 0, rows, f, grads, b.b1);
      gemmBack(wide, f, b.w1, dim, dB, 1f);
      // LayerNorm 1, then attention beside its residual: dA is the gradient of the block's input.
      Kernels.layerNormBackward(
          dB, 0, b.sum1, 0, rows, dim, params, b.gamma1, b.mean1, b.rstd1, dA, 0, grads, b.gamma1,
          grads, b.beta1);
      masked(2 + 3 * i, dA, dC, n);
      gemmWeights(b.ctx, dim, dC, dim, b.wo);
      Kernels.addColumnSums(dC, 0, rows, dim, grads, b.bo);
      gemmBack(dC, dim, b.wo, dim, dB, 0f);
      attentionBackward(b, dB, wide, key(1 + 3 * i));
      gemmWeights(b.in, dim, wide, 3 * dim, b.wqkv);
      Kernels.addColumnSums(wide, 0, rows, 3 * dim, grads, b.bqkv);
      gemmBack(wide, 3 * dim, b.wqkv, dim, dA, 1f);
    }
    masked(0, dA, dC, n);
    Kernels.layerNormBackward(
        dC, 0, sum0, 0, rows, dim, params, gamma0, mean0, rstd0, dB, 0, grads, gamma0, grads,
        beta0);
    for (int q = 0; q < sequences; q++) {
      int len = offsets[q + 1] - offsets[q];
      Kernels.axpy(1f, dB, offsets[q] * dim, grads, pos + (shape.maxLen() - len) * dim, len * dim);
    }
    return dB;
  }

  private void masked(int layer, float[] from, float[] to, int n) {
    if (training) {
      dropout.apply(key(layer), from, to, n);
    } else {
      System.arraycopy(from, 0, to, 0, n);
    }
  }

  private void attentionBackward(Block b, float[] dctx, float[] dqkv, int key) {
    int d3 = 3 * dim;
    float scale = (float) (1 / Math.sqrt(headDim));
    int at = 0;
    java.util.Arrays.fill(dqkv, 0, rows * d3, 0f);
    for (int q = 0; q < sequences; q++) {
      int first = offsets[q];
      int n = offsets[q + 1] - first;
      for (int h = 0; h < shape.heads(); h++) {
        int ho = h * headDim;
        for (int i = 0; i < n; i++) {
          int po = at + i * n;
          int co = (first + i) * dim + ho;
          int qo = (first + i) * d3 + ho;
          float along = 0f;
          for (int j = 0; j <= i; j++) {
            float factor = training ? dropout.factor(key, po + j) : 1f;
            float dp = 0f;
            if (factor != 0f) {
              int vo = (first + j) * d3 + 2 * dim + ho;
              dp = factor * Kernels.dot(dctx, co, b.qkv, vo, headDim);
              Kernels.axpy(factor * b.probs[po + j], dctx, co, dqkv, vo, headDim);
            }
            weights[j] = dp;
            along += b.probs[po + j] * dp;
          }
          for (int j = 0; j <= i; j++) {
            float ds = scale * b.probs[po + j] * (weights[j] - along);
            int ko = (first + j) * d3 + dim + ho;
            Kernels.axpy(ds, b.qkv, ko, dqkv, qo, headDim);
            Kernels.axpy(ds, b.qkv, qo, dqkv, ko, headDim);
          }
        }
        at += n * n;
      }
    }
  }

  /** out [rows, n] = x [rows, k] W [k, n] + bias [n]. */
  private void gemm(float[] x, int k, int w, int bias, int n, float[] out) {
    Kernels.fillRows(params, bias, rows, n, out, 0);
    Blas.gemm(false, false, rows, n, k, 1f, x, 0, k, params, w, n, 1f, out, 0, n);
  }

  /** out [rows, k] = beta out + dy [rows, n] W^T, W [k, n]. */
  private void gemmBack(float[] dy, int n, int w, int k, float[] out, float beta) {
    Blas.gemm(false, true, rows, k, n, 1f, dy, 0, n, params, w, n, beta, out, 0, k);
  }

  /** Gradient of W [k, n] = x^T [k, rows] dy [rows, n]. */
  private void gemmWeights(float[] x, int k, float[] dy, int n, int w) {
    Blas.gemm(true, false, k, n, rows, 1f, x, 0, k, dy, 0, n, 0f, grads, w, n);
  }

  /**
   * One step of Adam (Kingma and Ba 2015; betas .9 and .999, eps 1e-8) along {@link #gradients()}.
   */
  public void adamStep(float learningRate) {
    adamSteps++;
    Kernels.adam(
        params,
        0,
        grads,
        0,
        adamMean,
        0,
        adamSquare,
        0,
        params.length,
        adamSteps,
        learningRate,
        0.9f,
        0.999f,
        1e-8f);
  }

  /** Weights, Adam's moments and step count. */
  public void writeState(DataOutput out) throws IOException {
    out.writeInt(params.length);
    out.writeLong(adamSteps);
    for (float[] a : new float[][] {params, adamMean, adamSquare}) {
      Floats.write(out, a, a.length);
    }
  }

  /** Replaces what {@link #writeState} wrote; the shape must be the same. */
  public void readState(DataInput in) throws IOException {
    int n = in.readInt();
    if (n != params.length) {
      throw new IOException(
          "recommender state has " + n + " weights, this shape " + params.length + ": " + shape);
    }
    adamSteps = in.readLong();
    for (float[] a : new float[][] {params, adamMean, adamSquare}) {
      Floats.read(in, a, a.length);
    }
  }

  private static float[] grown(float[] a, int n) {
    return a.length >= n ? a : new float[n + n / 4];
  }
}
