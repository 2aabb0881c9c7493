package io.sidstream.model.recommend;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Threads;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Multi-head scaled dot-product attention (Vaswani et al., NIPS 2017) on packed sequences: query
 * row i of a sequence gets the sum over j of drop(softmax_j(q_i k_j / sqrt(headDim))) v_j, j over
 * the rows of the sequence that it attends to; if causal, over j &lt;= i.
 */
final class Attention {
  /** Rows of a sequence from which on products of matrices are faster than loops over pairs. */
  private static final int LONG = 12;

  /** Pairs of rows, over all heads, that are worth a thread. */
  private static final int PART = 1 << 14;

  /**
   * A head of a sequence.
   *
   * @param n queries
   * @param m keys
   * @param at where its [n, m] of probs, weights and their gradient begins
   * @param q where its queries begin, in rows of the query stride
   * @param k where its keys begin
   * @param v where its values begin
   * @param ctx where its part of ctx begins
   */
  private record Head(int n, int m, int at, int q, int k, int v, int ctx) {}

  private final int heads;
  private final int headDim;
  private final int dim;
  private final boolean causal;
  private final Dropout dropout;

  /** Softmax of the scores, of each sequence from its start heads * [queries, keys]. */
  private float[] probs = {};

  /** The same after dropout; 0 where a query does not attend. */
  private float[] weights = {};

  private float[] dweights = {};
  private int[] starts = {};

  // What the last forward was given.
  private float[] q;
  private int queryStride;
  private int[] queryOffsets;
  private float[] kv;
  private int keyAt;
  private int valueAt;
  private int kvStride;
  private int[] kvOffsets;
  private int[] memoryOf;
  private int sequences;
  private boolean training;
  private int key;

  Attention(RecommenderShape shape, boolean causal, Dropout dropout) {
    heads = shape.heads();
    dim = shape.dim();
    headDim = dim / heads;
    this.causal = causal;
    this.dropout = dropout;
  }

  /**
   * Attends.
   *
   * @param q queries, row r from r * queryStride
   * @param queryOffsets rows where the query sequences begin and end
   * @param kv keys and values, those of row r from r * kvStride + keyAt and + valueAt
   * @param kvOffsets rows where the sequences attended to begin and end
   * @param memoryOf the sequence that each query sequence attends to; null for that of its number
   * @param key of the dropout's mask, where training
   * @param ctx out: [query rows, dim]
   */
  void forward(
      float[] q,
      int queryStride,
      int[] queryOffsets,
      float[] kv,
      int keyAt,
      int valueAt,
      int kvStride,
      int[] kvOffsets,
      int[] memoryOf,
      int sequences,
      boolean training,
      int key,
      float[] ctx) {
    this.q = q;
    this.queryStride = queryStride;
    this.queryOffsets = queryOffsets;
    this.kv = kv;
    this.keyAt = keyAt;
    this.valueAt = valueAt;
    this.kvStride = kvStride;
    this.kvOffsets = kvOffsets;
    this.memoryOf = memoryOf;
    this.sequences = sequences;
    this.training = training;
    this.key = key;
    size();
    forEachHead(head -> forward(head, ctx));
  }

  /**
   * Sequences in parts of about as many pairs of rows, which depend on the sequences alone. Where
   * several attend to the same one their gradients meet, and one part has them all.
   */
  private void forEachHead(Consumer<Head> work) {
    int parts =
        memoryOf != null ? 1 : Math.max(1, Math.min(Threads.MOST, starts[sequences] / PART));
    int[] ends = new int[parts];
    for (int part = 0, s = 0; part < parts; part++) {
      long until = (long) starts[sequences] * (part + 1) / parts;
      while (s < sequences && starts[s] < until) {
        s++;
      }
      ends[part] = part + 1 < parts ? s : sequences;
    }
    Threads.forEach(
        parts,
        part -> {
          for (int s = part == 0 ? 0 : ends[part - 1]; s < ends[part]; s++) {
            for (int h = 0; h < heads; h++) {
              work.accept(head(s, h));
            }
          }
        });
  }

  private void forward(Head head, float[] ctx) {
    float scale = (float) (1 / Math.sqrt(headDim));
    int n = head.n();
    int m = head.m();
    int at = head.at();
    int qo = head.q();
    int ko = head.k();
    int vo = head.v();
    int co = head.ctx();
    boolean products = n >= LONG && m >= LONG;
    if (products) {
      Blas.gemm(
          false,
          true,
          n,
          m,
          headDim,
          scale,
          q,
          qo,
          queryStride,
          kv,
          ko,
          kvStride,
          0f,
          probs,
          at,
          m);
    }
    for (int i = 0; i < n; i++) {
      int po = at + i * m;
      int seen = causal ? i + 1 : m;
      if (!products) {
        for (int j = 0; j < seen; j++) {
          probs[po + j] =
              scale * Kernels.dot(q, qo + i * queryStride, kv, ko + j * kvStride, headDim);
        }
      }
      float max = Layers.max(probs, po, seen);
      float inverse = 1f / Layers.expShifted(probs, po, seen, max);
      Kernels.scale(inverse, probs, po, seen);
      if (training) {
        dropout.apply(key, po, probs, po, weights, po, seen);
      } else {
        System.arraycopy(probs, po, weights, po, seen);
      }
      Arrays.fill(weights, po + seen, po + m, 0f);
      if (!products) {
        Arrays.fill(ctx, co + i * dim, co + i * dim + headDim, 0f);
        for (int j = 0; j < seen; j++) {
          Kernels.axpy(weights[po + j], kv, vo + j * kvStride, ctx, co + i * dim, headDim);
        }
      }
    }
    if (products) {
      Blas.gemm(
          false, false, n, headDim, m, 1f, weights, at, m, kv, vo, kvStride, 0f, ctx, co, dim);
    }
  }

  private Head head(int s, int h) {
    int first = queryOffsets[s];
    int n = queryOffsets[s + 1] - first;
    int memory = kvOffsets[attended(s)];
    int m = kvOffsets[attended(s) + 1] - memory;
    int ho = h * headDim;
    return new Head(
        n,
        m,
        starts[s] + h * n * m,
        first * queryStride + ho,
        memory * kvStride + keyAt + ho,
        memory * kvStride + valueAt + ho,
        first * dim + ho);
  }

  private int attended(int sequence) {
    return memoryOf == null ? sequence : memoryOf[sequence];
  }

  private void size() {
    starts = starts.length > sequences ? starts : new int[sequences + 1];
    starts[0] = 0;
    for (int s = 0; s < sequences; s++) {
      int m = kvOffsets[attended(s) + 1] - kvOffsets[attended(s)];
      starts[s + 1] = starts[s] + heads * m * (queryOffsets[s + 1] - queryOffsets[s]);
    }
    probs = TransformerStack.grown(probs, starts[sequences]);
    weights = TransformerStack.grown(weights, starts[sequences]);
  }

  /**
   * Gradients of the last forward, with its strides and places, which is forgotten with it.
   *
   * @param dctx gradient of ctx [query rows, dim]
   * @param dq gradient of q, added to
   * @param dkv gradient of kv, added to; may be dq where kv was q
   */
  void backward(float[] dctx, float[] dq, float[] dkv) {
    dweights = TransformerStack.grown(dweights, starts[sequences]);
    forEachHead(head -> backward(head, dctx, dq, dkv));
  }

  private void backward(Head head, float[] dctx, float[] dq, float[] dkv) {
    float scale = (float) (1 / Math.sqrt(headDim));
    int n = head.n();
    int m = head.m();
    int at = head.at();
    int qo = head.q();
    int ko = head.k();
    int vo = head.v();
    int co = head.ctx();
    boolean products = n >= LONG && m >= LONG;
    if (products) {
      Blas.gemm(
          false, true, n, m, headDim, 1f, dctx, co, dim, kv, vo, kvStride, 0f, dweights, at, m);
      Blas.gemm(
          true, false, m, headDim, n, 1f, weights, at, m, dctx, co, dim, 1f, dkv, vo, kvStride);
    }
    for (int i = 0; i < n; i++) {
      int po = at + i * m;
      int seen = causal ? i + 1 : m;
      if (!products) {
        for (int j = 0; j < seen; j++) {
          int v = vo + j * kvStride;
          dweights[po + j] = Kernels.dot(dctx, co + i * dim, kv, v, headDim);
          Kernels.axpy(weights[po + j], dctx, co + i * dim, dkv, v, headDim);
        }
      }
      float along = Kernels.dot(weights, po, dweights, po, seen);
      for (int j = 0; j < seen; j++) {
        dweights[po + j] = scale * (weights[po + j] * dweights[po + j] - probs[po + j] * along);
      }
      if (products) {
        Arrays.fill(dweights, po + seen, po + m, 0f);
      } else {
        for (int j = 0; j < seen; j++) {
          float ds = dweights[po + j];
          Kernels.axpy(ds, kv, ko + j * kvStride, dq, qo + i * queryStride, headDim);
          Kernels.axpy(ds, q, qo + i * queryStride, dkv, ko + j * kvStride, headDim);
        }
      }
    }
    if (products) {
      Blas.gemm(
          false,
          false,
          n,
          headDim,
          m,
          1f,
          dweights,
          at,
          m,
          kv,
          ko,
          kvStride,
          1f,
          dq,
          qo,
          queryStride);
      Blas.gemm(
          true,
          false,
          m,
          headDim,
          n,
          1f,
          dweights,
          at,
          m,
          q,
          qo,
          queryStride,
          1f,
          dkv,
          ko,
          kvStride);
    }
  }
}
