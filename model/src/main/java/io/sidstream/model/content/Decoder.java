package io.sidstream.model.content;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.RowProduct;
import io.sidstream.model.quantize.EncodeResult;
import java.util.Arrays;

/**
 * The serving form of the decoder g: content vectors back from z. What a row gives depends on that
 * row alone. Immutable and thread-safe; each thread brings its own {@link EncodeResult} as memory.
 */
public final class Decoder {
  private final Layers layers;
  private final float[] weights;
  private final RowProduct[] products;

  /**
   * A decoder; the array is copied.
   *
   * @param dims D_2, hidden sizes, D_x
   * @param weights per layer W {@code [in, out]}, then b {@code [out]}
   */
  public Decoder(int[] dims, float[] weights) {
    layers = new Layers(dims);
    if (weights.length != layers.size()) {
      throw new IllegalArgumentException(
          "Decoder "
              + Arrays.toString(dims)
              + " needs "
              + layers.size()
              + " weights, not "
              + weights.length);
    }
    this.weights = weights.clone();
    products = layers.products(this.weights);
  }

  /**
   * The sum over rows of ‖g(z) − x‖².
   *
   * @param z {@code [n, D_2]}
   * @param x {@code [n, D_x]}
   * @param memory working memory; holds no result afterwards
   */
  public double squaredError(float[] z, float[] x, int n, EncodeResult memory) {
    int width = layers.outputDim();
    float[] reconstructed = layers.forward(products, weights, z, 0, n, memory);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += Kernels.squaredDistance(reconstructed, i * width, x, i * width, width);
    }
    return sum;
  }
}
