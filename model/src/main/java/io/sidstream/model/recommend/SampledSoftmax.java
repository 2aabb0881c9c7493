package io.sidstream.model.recommend;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Kernels;

/**
 * Sampled softmax over the batch's distinct targets and shared uniform negatives: the mean over
 * positions of -log softmax_target(⟨h_t, s_j⟩ / temperature - log q_j), q_j the probability that
 * candidate j is in a batch, so that popular items are not pushed down for being there more often
 * (the logQ correction; Bengio and Senécal 2008, Yi et al., RecSys 2019). Candidates are distinct
 * items, so a negative that is a position's target is that target, and no accidental hit is counted
 * against it. Computed in row tiles; the score matrix is never whole.
 */
public final class SampledSoftmax {
  private static final int TILE = 128;
  private float[] scores = {};

  /**
   * Loss and gradients.
   *
   * @param h hidden states [rows, dim]
   * @param s representations of the candidates [candidates, dim]
   * @param target candidate index of each row's target [rows]
   * @param logQ log q_j [candidates]; null for no correction
   * @param dh out: gradient of h [rows, dim]
   * @param ds gradient of s [candidates, dim], added to
   * @return the mean loss; 0 for no rows
   */
  public double loss(
      float[] h,
      int rows,
      float[] s,
      int candidates,
      int dim,
      int[] target,
      float temperature,
      float[] logQ,
      float[] dh,
      float[] ds) {
    if (scores.length < TILE * candidates) {
      scores = new float[TILE * (candidates + candidates / 4)];
    }
    float inverse = 1f / temperature;
    float weight = inverse / Math.max(rows, 1);
    double loss = 0;
    for (int from = 0; from < rows; from += TILE) {
      int m = Math.min(TILE, rows - from);
      if (logQ != null) {
        Kernels.fillRows(logQ, 0, m, candidates, scores, 0);
      }
      Blas.gemm(
          false,
          true,
          m,
          candidates,
          dim,
          inverse,
          h,
          from * dim,
          dim,
          s,
          0,
          dim,
          logQ == null ? 0f : -1f,
          scores,
          0,
          candidates);
      for (int r = 0; r < m; r++) {
        int o = r * candidates;
        int t = target[from + r];
        float max = Layers.max(scores, o, candidates);
        float own = scores[o + t];
        float sum = Layers.expShifted(scores, o, candidates, max);
        loss += Math.log(sum) + max - own;
        float scale = weight / sum;
        for (int j = o; j < o + candidates; j++) {
          scores[j] *= scale;
        }
        scores[o + t] -= weight;
      }
      Blas.gemm(
          false,
          false,
          m,
          dim,
          candidates,
          1f,
          scores,
          0,
          candidates,
          s,
          0,
          dim,
          0f,
          dh,
          from * dim,
          dim);
      Blas.gemm(
          true,
          false,
          candidates,
          dim,
          m,
          1f,
          scores,
          0,
          candidates,
          h,
          from * dim,
          dim,
          1f,
          ds,
          0,
          dim);
    }
    return loss / Math.max(rows, 1);
  }
}
