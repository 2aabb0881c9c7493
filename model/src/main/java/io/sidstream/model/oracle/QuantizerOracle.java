package io.sidstream.model.oracle;

import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Hybrid residual quantization (section 3.2 of arXiv 2502.16474). With r_1 = f(x), at each level l
 *
 * <pre>{@code
 * c_l     = argmin_k d_l[k]
 * d_l[k]  = 1 - <r_l / |r_l|, C_l[k]>     at a cosine level
 * d_l[k]  = |r_l - C_l[k]|^2              at a Euclidean level
 * r_{l+1} = r_l - C_l[c_l]
 * z       = sum_l C_l[c_l]
 * }</pre>
 */
public final class QuantizerOracle {
  /** C {@code [K, D]}. */
  private record Level(Metric metric, INDArray codewords) {}

  private final List<Level> levels = new ArrayList<>();

  /**
   * What quantizing n rows gives.
   *
   * @param codes {@code [n][L]}
   * @param z {@code [n, D]}
   * @param distances for each level {@code [n, K]}, to all codewords
   * @param residuals r_1 to r_{L+1}, each {@code [n, D]}
   */
  public record Quantized(
      int[][] codes, INDArray z, List<INDArray> distances, List<INDArray> residuals) {}

  /** With the codebooks of a quantizer. */
  public QuantizerOracle(ResidualQuantizer quantizer) {
    for (Codebook book : quantizer.codebooks()) {
      INDArray codewords = Matrices.matrix(book.codewords(), 0, book.size(), book.dim());
      levels.add(new Level(book.metric(), codewords));
    }
  }

  /** Quantizes the rows of r {@code [n, D]}. */
  public Quantized quantize(INDArray r) {
    return quantize(r, null, null);
  }

  /**
   * Quantizes the rows of r {@code [n, D]}; an item keeps a code that is near enough to the best.
   *
   * @param previous codes in use {@code [n][L]}, -1 for none; null for none at all
   * @param tolerance {@code [L]}, see {@link #near}
   */
  public Quantized quantize(INDArray r, int[][] previous, float[] tolerance) {
    int n = r.rows();
    int[][] codes = new int[n][levels.size()];
    List<INDArray> distances = new ArrayList<>();
    List<INDArray> residuals = new ArrayList<>(List.of(r));
    INDArray residual = r;
    INDArray z = r.mul(0);
    for (int l = 0; l < levels.size(); l++) {
      Level level = levels.get(l);
      INDArray d = distances(level.metric(), residual, level.codewords());
      int[] chosen = nearest(d);
      for (int i = 0; i < n; i++) {
        int kept = previous == null ? -1 : previous[i][l];
        if (kept >= 0 && kept < d.columns()) {
          double best = d.getDouble(i, chosen[i]);
          if (near(level.metric(), d.getDouble(i, kept), best, tolerance[l])) {
            chosen[i] = kept;
          }
        }
        codes[i][l] = chosen[i];
      }
      INDArray words = codewords(level.codewords(), chosen);
      residual = residual.sub(words);
      z = z.add(words);
      distances.add(d);
      residuals.add(residual);
    }
    return new Quantized(codes, z, distances, residuals);
  }

  /** d {@code [n, K]} of a level. */
  static INDArray distances(Metric metric, INDArray r, INDArray codewords) {
    return switch (metric) {
      case COSINE -> cosineDistances(r, codewords);
      case EUCLIDEAN -> squaredDistances(r, codewords);
    };
  }

  /** 1 − ⟨r/‖r‖, c⟩, {@code [n, K]}. */
  static INDArray cosineDistances(INDArray r, INDArray codewords) {
    return unit(r).mmul(codewords.transpose()).rsub(1.0);
  }

  /** ‖r − c‖² = ‖r‖² − 2⟨r, c⟩ + ‖c‖², {@code [n, K]}. */
  static INDArray squaredDistances(INDArray r, INDArray codewords) {
    return r.mmul(codewords.transpose())
        .mul(-2.0)
        .addColumnVector(squaredNorms(r))
        .addRowVector(squaredNorms(codewords).transpose());
  }

  /** r/‖r‖; 0 where r is 0, so that all distances are 1 and the first codeword is chosen. */
  static INDArray unit(INDArray r) {
    INDArray norms = Transforms.sqrt(squaredNorms(r));
    return r.divColumnVector(norms.add(norms.eq(0.0).castTo(norms.dataType())));
  }

  /** ‖r‖² of each row, {@code [n, 1]}. */
  static INDArray squaredNorms(INDArray r) {
    return r.mul(r).sum(true, 1);
  }

  /** argmin of each row; ties go to the lowest index. */
  static int[] nearest(INDArray distances) {
    return Nd4j.argMin(distances, 1).toIntVector();
  }

  /** C[c] for each code c, {@code [n, D]}. */
  static INDArray codewords(INDArray codewords, int[] codes) {
    return codewords.getRows(codes);
  }

  /**
   * Whether a code is kept: cos_best − cos_kept ≤ tolerance at a cosine level, d_kept ≤ d_best (1 +
   * tolerance) at a Euclidean one.
   */
  static boolean near(Metric metric, double kept, double best, double tolerance) {
    return metric == Metric.COSINE ? kept - best <= tolerance : kept <= best * (1 + tolerance);
  }

  /**
   * Commitment loss of a level: the mean squared difference of its input (normalised at a cosine
   * level) to its codeword.
   */
  public double commitmentLoss(int level, Quantized quantized) {
    INDArray residual = quantized.residuals().get(level);
    INDArray input = levels.get(level).metric() == Metric.COSINE ? unit(residual) : residual;
    int[] codes = new int[quantized.codes().length];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = quantized.codes()[i][level];
    }
    INDArray difference = input.sub(codewords(levels.get(level).codewords(), codes));
    return difference.mul(difference).meanNumber().doubleValue();
  }
}
