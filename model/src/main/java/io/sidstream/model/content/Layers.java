package io.sidstream.model.content;

import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.RowProduct;
import io.sidstream.model.quantize.EncodeResult;
import java.util.Arrays;

/**
 * Where the weights of a stack of dense layers lie in one flat array: per layer W {@code [in,
 * out]}, then b {@code [out]}. Immutable.
 */
final class Layers {
  private final int[] dims;
  private final int[] offsets;

  /**
   * A stack.
   *
   * @param dims input dimension, hidden dimensions, output dimension
   */
  Layers(int[] dims) {
    if (dims.length < 2) {
      throw new IllegalArgumentException(
          "A stack of layers needs an input and an output dimension, not " + Arrays.toString(dims));
    }
    this.dims = dims.clone();
    this.offsets = new int[dims.length];
    for (int l = 0; l < dims.length; l++) {
      if (dims[l] < 1) {
        throw new IllegalArgumentException(
            "Layer dimensions " + Arrays.toString(dims) + " must all be positive");
      }
      if (l > 0) {
        offsets[l] = Math.addExact(offsets[l - 1], Math.multiplyExact(dims[l - 1] + 1, dims[l]));
      }
    }
  }

  int[] dims() {
    return dims.clone();
  }

  int count() {
    return dims.length - 1;
  }

  int in(int layer) {
    return dims[layer];
  }

  int out(int layer) {
    return dims[layer + 1];
  }

  int outputDim() {
    return dims[dims.length - 1];
  }

  int weights(int layer) {
    return offsets[layer];
  }

  int bias(int layer) {
    return offsets[layer] + dims[layer] * dims[layer + 1];
  }

  int size() {
    return offsets[dims.length - 1];
  }

  /** The layers' products, first layer first. */
  RowProduct[] products(float[] params) {
    RowProduct[] products = new RowProduct[count()];
    for (int l = 0; l < products.length; l++) {
      products[l] = new RowProduct(params, weights(l), in(l), out(l));
    }
    return products;
  }

  /**
   * Runs the stack on n rows with ReLU between layers, each row's bits independent of the others. A
   * row with a value that is not finite gives an output of such values. Takes the biases from
   * params and uses scratch slots 3 to 5 of the result and returns the slot array that holds the
   * output {@code [n, out]}.
   */
  float[] forward(
      RowProduct[] products, float[] params, float[] x, int xOff, int n, EncodeResult memory) {
    float[] from = x;
    int fromOff = xOff;
    for (int l = 0; l < count(); l++) {
      float[] to = memory.scratch(3 + (l & 1), n * out(l));
      float[] tile = memory.scratch(5, RowProduct.scratch(out(l), in(l)));
      Kernels.fillRows(params, bias(l), n, out(l), to, 0);
      products[l].apply(from, fromOff, n, 1f, to, 0, tile);
      if (l + 1 < count()) {
        Kernels.relu(to, 0, n * out(l));
      }
      from = to;
      fromOff = 0;
    }
    return from;
  }
}
