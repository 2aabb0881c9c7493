package io.sidstream.model.recommend;

import io.sidstream.model.math.Kernels;

/**
 * The paper's loss: the mean over positions of -log sigmoid(⟨h_t, s_target⟩) - log(1 -
 * sigmoid(⟨h_t, s_negative⟩)) with one negative per position.
 */
public final class BinaryCrossEntropy {
  private BinaryCrossEntropy() {}

  /**
   * Loss and gradients.
   *
   * @param h hidden states [rows, dim]
   * @param s representations of the batch's distinct items [., dim]
   * @param target row of s of each position's target [rows]
   * @param negative row of s of each position's negative [rows]
   * @param dh out: gradient of h [rows, dim]
   * @param ds gradient of s, added to
   * @return the mean loss; 0 for no rows
   */
  public static double loss(
      float[] h,
      int rows,
      float[] s,
      int dim,
      int[] target,
      int[] negative,
      float[] dh,
      float[] ds) {
    double loss = 0;
    float weight = 1f / Math.max(rows, 1);
    java.util.Arrays.fill(dh, 0, rows * dim, 0f);
    for (int r = 0; r < rows; r++) {
      int o = r * dim;
      int p = target[r] * dim;
      int n = negative[r] * dim;
      double up = Kernels.dot(h, o, s, p, dim);
      double down = Kernels.dot(h, o, s, n, dim);
      loss += softplus(-up) + softplus(down);
      float gp = -weight * Kernels.sigmoid((float) -up);
      float gn = weight * Kernels.sigmoid((float) down);
      Kernels.axpy(gp, s, p, dh, o, dim);
      Kernels.axpy(gn, s, n, dh, o, dim);
      Kernels.axpy(gp, h, o, ds, p, dim);
      Kernels.axpy(gn, h, o, ds, n, dim);
    }
    return loss / Math.max(rows, 1);
  }

  private static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }
}
