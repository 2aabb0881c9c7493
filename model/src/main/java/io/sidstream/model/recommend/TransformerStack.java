package io.sidstream.model.recommend;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import java.util.Arrays;

/**
 * Transformer blocks over packed sequences: inputs plus position embedding, LayerNorm, dropout,
 * then blocks of self-attention, in a decoder attention to a memory, and an exact-GELU feed-forward
 * layer, each with dropout, a residual and LayerNorm after it.
 *
 * <p>The rows of all sequences follow one another without padding, sequence b is rows [offsets[b],
 * offsets[b + 1]). The weights are a part of an owner's {@link Weights}: positions [maxLen, D],
 * LayerNorm, then block by block.
 *
 * <p>Arrays that methods return belong to this object and hold until its next call. Not
 * thread-safe.
 */
public final class TransformerStack {
  /** What rows see, and where positions are counted from. */
  public enum Kind {
    /**
     * A row sees those before it. The last row of a sequence has the last position (row t of n has
     * position maxLen - n + t), as in a padded, right-aligned original.
     */
    CAUSAL,
    /** A row sees its whole sequence; positions as CAUSAL. */
    ENCODER,
    /** A row sees those before it and a memory; row t has position t. */
    DECODER
  }

  /** As S3-Rec's and the authors' code. */
  private static final float LAYER_NORM_EPS = 1e-12f;

  private final RecommenderShape shape;
  private final Kind kind;
  private final int dim;
  private final Dropout dropout;
  private final Block[] blocks;
  private final int keysPerBlock;
  private final int pos;
  private final int gamma0;
  private final int beta0;
  private final float[] params;
  private final float[] grads;

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

  private float[] memory = {};
  private int[] memoryOffsets = {0};
  private int memoryRows;
  private int[] memoryOf;
  private float[] dMemory = {};
  private float[] dkv = {};

  /** The end of a sublayer: y = LayerNorm(drop(x W + b) + residual), W [k, D]. */
  private final class Output {
    final int k;
    final int w;
    final int b;
    final int gamma;
    final int beta;
    final int end;
    float[] sum = {};
    float[] mean = {};
    float[] rstd = {};
    float[] y = {};

    Output(int at, int k) {
      this.k = k;
      w = at;
      b = w + k * dim;
      gamma = b + dim;
      beta = gamma + dim;
      end = beta + dim;
    }

    void initialise(Weights weights, Rng rng) {
      weights.normal(rng, w, k * dim);
      weights.ones(gamma, dim);
    }

    float[] forward(float[] x, float[] residual, int layer) {
      int n = rows * dim;
      sum = grown(sum, n);
      mean = grown(mean, rows);
      rstd = grown(rstd, rows);
      y = grown(y, n);
      gemm(x, rows, k, w, b, dim, sum);
      if (training) {
        dropout.apply(key(layer), sum, n);
      }
      Kernels.axpy(1f, residual, 0, sum, 0, n);
      Kernels.layerNorm(
          sum, 0, rows, dim, params, gamma, params, beta, LAYER_NORM_EPS, y, 0, mean, rstd);
      return y;
    }

    /**
     * Gradients.
     *
     * @param dy of y
     * @param x as given to forward
     * @param dResidual out: of the residual, by this path
     * @param dx out: of x
     */
    void backward(float[] dy, float[] x, float[] dResidual, float[] dx, int layer) {
      int n = rows * dim;
      Kernels.layerNormBackward(
          dy, 0, sum, 0, rows, dim, params, gamma, mean, rstd, dResidual, 0, grads, gamma, grads,
          beta);
      masked(layer, dResidual, dC, n);
      gemmWeights(x, rows, k, dC, dim, w);
      Kernels.addColumnSums(dC, 0, rows, dim, grads, b);
      gemmBack(dC, rows, dim, w, k, dx, 0f);
    }
  }

  /**
   * Offsets of a block's weights in the flat parameters, and its activations of the last forward.
   */
  private final class Block {
    final int wqkv;
    final int bqkv;
    final Attention self;
    final Output selfOut;
    final int wq;
    final int bq;
    final int wkv;
    final int bkv;
    final Attention cross;
    final Output crossOut;
    final int w1;
    final int b1;
    final Output ffnOut;
    float[] in;
    float[] qkv = {};
    float[] ctx = {};
    float[] query = {};
    float[] kv = {};
    float[] crossCtx = {};
    float[] gelu = {};
    float[] slope = {};

    Block(int at) {
      int d = dim;
      wqkv = at;
      bqkv = wqkv + d * 3 * d;
      self = new Attention(shape, kind != Kind.ENCODER, dropout);
      selfOut = new Output(bqkv + 3 * d, d);
      wq = selfOut.end;
      if (kind == Kind.DECODER) {
        bq = wq + d * d;
        wkv = bq + d;
        bkv = wkv + d * 2 * d;
        cross = new Attention(shape, false, dropout);
        crossOut = new Output(bkv + 2 * d, d);
        w1 = crossOut.end;
      } else {
        bq = wq;
        wkv = wq;
        bkv = wq;
        cross = null;
        crossOut = null;
        w1 = wq;
      }
      b1 = w1 + d * shape.ffn();
      ffnOut = new Output(b1 + shape.ffn(), shape.ffn());
    }

    void initialise(Weights weights, Rng rng) {
      int d = dim;
      weights.normal(rng, wqkv, d * 3 * d);
      selfOut.initialise(weights, rng);
      if (cross != null) {
        weights.normal(rng, wq, d * d);
        weights.normal(rng, wkv, d * 2 * d);
        crossOut.initialise(weights, rng);
      }
      weights.normal(rng, w1, d * shape.ffn());
      ffnOut.initialise(weights, rng);
    }

    float[] forward(float[] in, int layer) {
      int d = dim;
      int f = shape.ffn();
      this.in = in;
      qkv = grown(qkv, 3 * rows * d);
      ctx = grown(ctx, rows * d);
      gelu = grown(gelu, rows * f);
      slope = grown(slope, rows * f);
      gemm(in, rows, d, wqkv, bqkv, 3 * d, qkv);
      self.forward(
          qkv,
          3 * d,
          offsets,
          qkv,
          d,
          2 * d,
          3 * d,
          offsets,
          null,
          sequences,
          training,
          key(layer),
          ctx);
      float[] y = selfOut.forward(ctx, in, layer + 1);
      int next = layer + 2;
      if (cross != null) {
        query = grown(query, rows * d);
        crossCtx = grown(crossCtx, rows * d);
        gemm(y, rows, d, wq, bq, d, query);
        cross.forward(
            query,
            d,
            offsets,
            kv,
            0,
            d,
            2 * d,
            memoryOffsets,
            memoryOf,
            sequences,
            training,
            key(next),
            crossCtx);
        y = crossOut.forward(crossCtx, y, next + 1);
        next += 2;
      }
      gemm(y, rows, d, w1, b1, f, wide);
      Layers.gelu(wide, gelu, slope, rows * f);
      return ffnOut.forward(gelu, y, next);
    }

    /** Keys and values of the memory. */
    void remember() {
      kv = grown(kv, memoryRows * 2 * dim);
      gemm(memory, memoryRows, dim, wkv, bkv, 2 * dim, kv);
    }

    /** Takes the gradient of the block's output in dA, leaves that of its input there. */
    void backward(int layer) {
      int d = dim;
      int f = shape.ffn();
      // The feed-forward layer beside its residual: dB is the gradient of its input.
      float[] y = cross == null ? selfOut.y : crossOut.y;
      ffnOut.backward(dA, gelu, dB, wide, layer + (cross == null ? 2 : 4));
      for (int k = 0; k < rows * f; k++) {
        wide[k] *= slope[k];
      }
      gemmWeights(y, rows, d, wide, f, w1);
      Kernels.addColumnSums(wide, 0, rows, f, grads, b1);
      gemmBack(wide, rows, f, w1, d, dB, 1f);
      if (cross != null) {
        crossBackward(layer + 2);
      }
      // Self-attention beside its residual: dA is the gradient of the block's input.
      selfOut.backward(dB, ctx, dA, dB, layer + 1);
      Arrays.fill(wide, 0, rows * 3 * d, 0f);
      self.backward(dB, wide, wide);
      gemmWeights(in, rows, d, wide, 3 * d, wqkv);
      Kernels.addColumnSums(wide, 0, rows, 3 * d, grads, bqkv);
      gemmBack(wide, rows, 3 * d, wqkv, d, dA, 1f);
    }

    /** Takes the gradient of crossOut.y in dB, leaves that of selfOut.y there; adds to dMemory. */
    private void crossBackward(int layer) {
      int d = dim;
      dkv = grown(dkv, memoryRows * 2 * d);
      Arrays.fill(dkv, 0, memoryRows * 2 * d, 0f);
      crossOut.backward(dB, crossCtx, dA, dB, layer + 1);
      Arrays.fill(wide, 0, rows * d, 0f);
      cross.backward(dB, wide, dkv);
      gemmWeights(selfOut.y, rows, d, wide, d, wq);
      Kernels.addColumnSums(wide, 0, rows, d, grads, bq);
      gemmBack(wide, rows, d, wq, d, dA, 1f);
      gemmWeights(memory, memoryRows, d, dkv, 2 * d, wkv);
      Kernels.addColumnSums(dkv, 0, memoryRows, 2 * d, grads, bkv);
      gemmBack(dkv, memoryRows, 2 * d, wkv, d, dMemory, 1f);
      float[] swap = dA;
      dA = dB;
      dB = swap;
    }
  }

  /**
   * A stack on weights of an owner.
   *
   * @param at where its weights begin
   */
  public TransformerStack(RecommenderShape shape, Kind kind, Weights weights, int at) {
    this.shape = shape;
    this.kind = kind;
    dim = shape.dim();
    dropout = new Dropout(shape.dropout());
    params = weights.values();
    grads = weights.gradients();
    keysPerBlock = kind == Kind.DECODER ? 5 : 3;
    pos = at;
    gamma0 = pos + shape.maxLen() * dim;
    beta0 = gamma0 + dim;
    int next = beta0 + dim;
    blocks = new Block[shape.blocks()];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = new Block(next);
      next = blocks[i].ffnOut.end;
    }
  }

  /**
   * Number of weights.
   *
   * @throws ArithmeticException where there are more than an array holds
   */
  public static int size(RecommenderShape shape, Kind kind) {
    long d = shape.dim();
    long f = shape.ffn();
    long attention = Math.addExact(Math.multiplyExact(4, d * d), 6 * d);
    long attentions = Math.multiplyExact(kind == Kind.DECODER ? 2 : 1, attention);
    long block = Math.addExact(attentions, Math.addExact(Math.multiplyExact(2, d * f), f + 3 * d));
    long blocks = Math.multiplyExact(shape.blocks(), block);
    return Math.toIntExact(Math.addExact(blocks, shape.maxLen() * d + 2 * d));
  }

  /** Weights and positions from N(0, 0.02), LayerNorm at identity; biases are left at 0. */
  public void initialise(Weights weights, Rng rng) {
    weights.normal(rng, pos, shape.maxLen() * dim);
    weights.ones(gamma0, dim);
    for (Block b : blocks) {
      b.initialise(weights, rng);
    }
  }

  /**
   * Sets the memory of a decoder, for all forwards to come; its keys and values are computed here,
   * once.
   *
   * @param memory [memoryOffsets[count], D], not changed before the backward pass
   * @param memoryOffsets where its sequences begin, and where the last ends
   */
  public void attendTo(float[] memory, int[] memoryOffsets, int count) {
    this.memory = memory;
    this.memoryOffsets = memoryOffsets;
    memoryRows = memoryOffsets[count];
    for (Block b : blocks) {
      b.remember();
    }
  }

  /** Switches dropout off for the forwards to come. */
  public void evaluate() {
    training = false;
  }

  /** Switches dropout on, with masks that are a function of seed and step alone. */
  public void train(long seed, long step) {
    training = shape.dropout() > 0f;
    dropoutSeed = seed;
    dropoutStep = step;
  }

  private int key(int layer) {
    return Dropout.key(dropoutSeed, dropoutStep, layer);
  }

  /**
   * Hidden states.
   *
   * @param x inputs [offsets[count], D]
   * @param offs where sequences begin, and where the last ends; first 0, never falling
   * @param attended in a decoder the memory's sequence for each sequence; null for that of its
   *     number
   * @return h [offsets[count], D]
   */
  public float[] forward(float[] x, int[] offs, int count, int[] attended) {
    sequences = count;
    offsets = offs;
    memoryOf = attended;
    rows = offs[count];
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
    }
    if (x.length < rows * dim) {
      throw new IllegalArgumentException(
          "representations hold "
              + x.length
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
      int from = position(n);
      int o = offs[b] * dim;
      for (int i = 0; i < n * dim; i++) {
        sum0[o + i] = x[o + i] + params[from + i];
      }
    }
    Kernels.layerNorm(
        sum0, 0, rows, dim, params, gamma0, params, beta0, LAYER_NORM_EPS, y0, 0, mean0, rstd0);
    if (training) {
      dropout.apply(key(0), y0, rows * dim);
    }
    float[] h = y0;
    for (int i = 0; i < blocks.length; i++) {
      h = blocks[i].forward(h, 1 + keysPerBlock * i);
    }
    return h;
  }

  /** Where the position embedding of the first of n rows is. */
  private int position(int n) {
    return kind == Kind.DECODER ? pos : pos + (shape.maxLen() - n) * dim;
  }

  /**
   * Gradients of the last forward; those of the weights are written where the owner has set them to
   * 0.
   *
   * @param dh gradient of the hidden states [rows, D]
   * @return the gradient of the inputs [rows, D]
   */
  public float[] backward(float[] dh) {
    if (kind == Kind.DECODER) {
      dMemory = grown(dMemory, memoryRows * dim);
      Arrays.fill(dMemory, 0, memoryRows * dim, 0f);
    }
    if (rows == 0) {
      return dB;
    }
    int n = rows * dim;
    dA = grown(dA, n);
    dB = grown(dB, n);
    dC = grown(dC, n);
    System.arraycopy(dh, 0, dA, 0, n);
    for (int i = blocks.length - 1; i >= 0; i--) {
      blocks[i].backward(1 + keysPerBlock * i);
    }
    masked(0, dA, dC, n);
    Kernels.layerNormBackward(
        dC, 0, sum0, 0, rows, dim, params, gamma0, mean0, rstd0, dB, 0, grads, gamma0, grads,
        beta0);
    for (int q = 0; q < sequences; q++) {
      int len = offsets[q + 1] - offsets[q];
      Kernels.axpy(1f, dB, offsets[q] * dim, grads, position(len), len * dim);
    }
    return dB;
  }

  /** The gradient of a decoder's memory that the last backward left [memory rows, D]. */
  public float[] memoryGradient() {
    return dMemory;
  }

  private void masked(int layer, float[] from, float[] to, int n) {
    if (training) {
      dropout.apply(key(layer), from, to, n);
    } else {
      System.arraycopy(from, 0, to, 0, n);
    }
  }

  /** out [m, n] = x [m, k] W [k, n] + bias [n]. */
  private void gemm(float[] x, int m, int k, int w, int bias, int n, float[] out) {
    Kernels.fillRows(params, bias, m, n, out, 0);
    Blas.gemm(false, false, m, n, k, 1f, x, 0, k, params, w, n, 1f, out, 0, n);
  }

  /** out [m, k] = beta out + dy [m, n] W^T, W [k, n]. */
  private void gemmBack(float[] dy, int m, int n, int w, int k, float[] out, float beta) {
    Blas.gemm(false, true, m, k, n, 1f, dy, 0, n, params, w, n, beta, out, 0, k);
  }

  /** Gradient of W [k, n] = x^T [k, m] dy [m, n]. */
  private void gemmWeights(float[] x, int m, int k, float[] dy, int n, int w) {
    Blas.gemm(true, false, k, n, m, 1f, x, 0, k, dy, 0, n, 0f, grads, w, n);
  }

  static float[] grown(float[] a, int n) {
    return a.length >= n ? a : new float[n + n / 4];
  }
}
