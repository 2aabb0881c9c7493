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

  /** By row of a tile: gradient of the score of a target that is no candidate. */
  private float[] own = {};

  /**
   * What of the batch's targets is among the candidates.
   *
   * @param targets the first so many candidates are a uniform sample of the targets; 0 where all
   *     targets are candidates
   * @param logShare log of the share of the targets that is in the sample: each stands for 1 /
   *     share of them in a row's sum, but for the row's own target, which counts once
   */
  public record Sample(int targets, float logShare) {
    /** All targets are candidates. */
    public static final Sample ALL = new Sample(0, 0f);
  }

  /**
   * Loss and gradients.
   *
   * @param h hidden states [rows, dim]
   * @param s representations of the candidates [candidates, dim], and of targets beside them
   * @param target row of s of each row's target [rows]
   * @param logQ log q_j [candidates], and of targets beside them; null for no correction
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
      Sample sample,
      float[] dh,
      float[] ds) {
    if (own.length < TILE) {
      own = new float[TILE];
    }
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
        for (int j = o; j < o + sample.targets; j++) {
          scores[j] -= sample.logShare;
        }
        boolean among = t < candidates;
        if (among && t < sample.targets) {
          scores[o + t] += sample.logShare;
        }
        float score = among ? scores[o + t] : beside(h, (from + r) * dim, s, t, dim, inverse, logQ);
        float max = Layers.max(scores, o, candidates);
        max = among ? max : Math.max(max, score);
        float sum = Layers.expShifted(scores, o, candidates, max);
        float alone = among ? 0f : (float) Math.exp(score - max);
        sum += alone;
        loss += Math.log(sum) + max - score;
        float scale = weight / sum;
        for (int j = o; j < o + candidates; j++) {
          scores[j] *= scale;
        }
        own[r] = alone * scale - weight;
        if (among) {
          scores[o + t] -= weight;
        }
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
      for (int r = 0; r < m; r++) {
        int t = target[from + r];
        if (t >= candidates) {
          Kernels.axpy(own[r], s, t * dim, dh, (from + r) * dim, dim);
          Kernels.axpy(own[r], h, (from + r) * dim, ds, t * dim, dim);
        }
      }
    }
    return loss / Math.max(rows, 1);
  }

  /** The score of a target that is no candidate. */
  private static float beside(
      float[] h, int hOff, float[] s, int t, int dim, float inverse, float[] logQ) {
    float score = inverse * Kernels.dot(h, hOff, s, t * dim, dim);
    return logQ == null ? score : score - logQ[t];
  }
}
