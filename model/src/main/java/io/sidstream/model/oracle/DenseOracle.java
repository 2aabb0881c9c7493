package io.sidstream.model.oracle;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Encoder f or decoder g: dense layers with ReLU between.
 *
 * <pre>{@code
 * f(x) = W_3' relu(W_2' relu(W_1' x + b_1) + b_2) + b_3
 * }</pre>
 */
public final class DenseOracle {
  /** W {@code [in, out]} and b {@code [1, out]}. */
  private record Layer(INDArray weights, INDArray bias) {}

  private final List<Layer> layers = new ArrayList<>();

  /**
   * A stack.
   *
   * @param dims input, hidden and output dimensions
   * @param params layer by layer W {@code [in, out]}, b {@code [out]}, from {@code offset}
   */
  public DenseOracle(int[] dims, float[] params, int offset) {
    int at = offset;
    for (int l = 0; l + 1 < dims.length; l++) {
      int in = dims[l];
      int out = dims[l + 1];
      INDArray weights = Matrices.matrix(params, at, in, out);
      INDArray bias = Matrices.row(params, at + in * out, out);
      layers.add(new Layer(weights, bias));
      at += (in + 1) * out;
    }
  }

  /** f of the rows of x, {@code [n, in]} to {@code [n, out]}. */
  public INDArray apply(INDArray x) {
    INDArray h = x;
    for (int l = 0; l < layers.size(); l++) {
      INDArray affine = affine(h, layers.get(l).weights(), layers.get(l).bias());
      h = l + 1 < layers.size() ? relu(affine) : affine;
    }
    return h;
  }

  /** x W + b. */
  static INDArray affine(INDArray x, INDArray weights, INDArray bias) {
    return x.mmul(weights).addRowVector(bias);
  }

  /** max(x, 0). */
  static INDArray relu(INDArray x) {
    return Transforms.max(x, 0.0);
  }

  /** Reconstruction loss: the mean over items of ‖g(z) − x‖². */
  public static double reconstructionLoss(INDArray reconstructed, INDArray x) {
    INDArray difference = reconstructed.sub(x);
    return difference.mul(difference).sum(1).meanNumber().doubleValue();
  }
}
