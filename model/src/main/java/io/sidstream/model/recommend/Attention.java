package io.sidstream.model.recommend;

import io.sidstream.model.math.Kernels;
import java.util.Arrays;

/**
 * Multi-head scaled dot-product attention (Vaswani et al., NIPS 2017) on packed sequences: query
 * row i of a sequence gets the sum over j of drop(softmax_j(q_i k_j / sqrt(headDim))) v_j, j over
 * the rows of the sequence that it attends to; if causal, over j &lt;= i.
 */
final class Attention {
  private final int heads;
  private final int headDim;
  private final int dim;
  private final boolean causal;
  private final Dropout dropout;
  private float[] probs = {};
  private float[] weights = {};

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
    float scale = (float) (1 / Math.sqrt(headDim));
    int at = 0;
    Arrays.fill(ctx, 0, queryOffsets[sequences] * dim, 0f);
    for (int s = 0; s < sequences; s++) {
      int first = queryOffsets[s];
      int n = queryOffsets[s + 1] - first;
      int memory = kvOffsets[attended(s)];
      int m = kvOffsets[attended(s) + 1] - memory;
      for (int h = 0; h < heads; h++) {
        int ho = h * headDim;
        for (int i = 0; i < n; i++) {
          int qo = (first + i) * queryStride + ho;
          int po = at + i * m;
          int seen = causal ? i + 1 : m;
          for (int j = 0; j < seen; j++) {
            int ko = (memory + j) * kvStride + keyAt + ho;
            probs[po + j] = scale * Kernels.dot(q, qo, kv, ko, headDim);
          }
          float max = Layers.max(probs, po, seen);
          float inverse = 1f / Layers.expShifted(probs, po, seen, max);
          int co = (first + i) * dim + ho;
          for (int j = 0; j < seen; j++) {
            float p = probs[po + j] * inverse;
            probs[po + j] = p;
            float w = training ? p * dropout.factor(key, po + j) : p;
            if (w != 0f) {
              Kernels.axpy(w, kv, (memory + j) * kvStride + valueAt + ho, ctx, co, headDim);
            }
          }
        }
        at += n * m;
      }
    }
  }

  private int attended(int sequence) {
    return memoryOf == null ? sequence : memoryOf[sequence];
  }

  private void size() {
    int needed = 0;
    int longest = 0;
    for (int s = 0; s < sequences; s++) {
      int m = kvOffsets[attended(s) + 1] - kvOffsets[attended(s)];
      longest = Math.max(longest, m);
      needed += heads * m * (queryOffsets[s + 1] - queryOffsets[s]);
    }
    probs = TransformerStack.grown(probs, needed);
    weights = TransformerStack.grown(weights, longest);
  }

  /**
   * Gradients of the last forward, with its strides and places.
   *
   * @param dctx gradient of ctx [query rows, dim]
   * @param dq gradient of q, added to
   * @param dkv gradient of kv, added to; may be dq where kv was q
   */
  void backward(float[] dctx, float[] dq, float[] dkv) {
    float scale = (float) (1 / Math.sqrt(headDim));
    int at = 0;
    for (int s = 0; s < sequences; s++) {
      int first = queryOffsets[s];
      int n = queryOffsets[s + 1] - first;
      int memory = kvOffsets[attended(s)];
      int m = kvOffsets[attended(s) + 1] - memory;
      for (int h = 0; h < heads; h++) {
        int ho = h * headDim;
        for (int i = 0; i < n; i++) {
          int po = at + i * m;
          int co = (first + i) * dim + ho;
          int qo = (first + i) * queryStride + ho;
          int seen = causal ? i + 1 : m;
          float along = 0f;
          for (int j = 0; j < seen; j++) {
            float factor = training ? dropout.factor(key, po + j) : 1f;
            float dp = 0f;
            if (factor != 0f) {
              int vo = (memory + j) * kvStride + valueAt + ho;
              dp = factor * Kernels.dot(dctx, co, kv, vo, headDim);
              Kernels.axpy(factor * probs[po + j], dctx, co, dkv, vo, headDim);
            }
            weights[j] = dp;
            along += probs[po + j] * dp;
          }
          for (int j = 0; j < seen; j++) {
            float ds = scale * probs[po + j] * (weights[j] - along);
            int ko = (memory + j) * kvStride + keyAt + ho;
            Kernels.axpy(ds, kv, ko, dq, qo, headDim);
            Kernels.axpy(ds, q, qo, dkv, ko, headDim);
          }
        }
        at += n * m;
      }
    }
  }
}
