package io.sidstream.model.recommend;

import io.sidstream.model.file.Floats;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/** A model's weights in one flat array, with their gradient and Adam's moments. Not thread-safe. */
public final class Weights {
  private static final float INIT_DEVIATION = 0.02f;

  private final float[] values;
  private final float[] gradients;
  private final float[] mean;
  private final float[] square;
  private long steps;

  /** So many weights, all 0. */
  public Weights(int n) {
    values = new float[n];
    gradients = new float[n];
    mean = new float[n];
    square = new float[n];
  }

  /** The weights. Live. */
  public float[] values() {
    return values;
  }

  /** Their gradient. Live. */
  public float[] gradients() {
    return gradients;
  }

  /** Draws n weights from N(0, 0.02). */
  public void normal(Rng rng, int from, int n) {
    for (int i = from; i < from + n; i++) {
      values[i] = INIT_DEVIATION * rng.nextGaussian();
    }
  }

  /** Sets n weights to 1. */
  void ones(int from, int n) {
    Arrays.fill(values, from, from + n, 1f);
  }

  /** Sets the gradient to 0. */
  public void clearGradients() {
    Arrays.fill(gradients, 0f);
  }

  /** One step of Adam along {@link #gradients()}; see {@link Kernels#adam}. */
  public void adamStep(float learningRate) {
    steps++;
    Kernels.adam(values, 0, gradients, 0, mean, 0, square, 0, values.length, steps, learningRate);
  }

  /** Weights, Adam's moments and step count. */
  public void writeState(DataOutput out) throws IOException {
    out.writeInt(values.length);
    out.writeLong(steps);
    for (float[] a : new float[][] {values, mean, square}) {
      Floats.write(out, a, a.length);
    }
  }

  /**
   * Replaces what {@link #writeState} wrote.
   *
   * @param shape what these are the weights of, for the message where the state has other ones
   */
  public void readState(DataInput in, Object shape) throws IOException {
    int n = in.readInt();
    if (n != values.length) {
      throw new IOException(
          "state has " + n + " weights, this shape " + values.length + ": " + shape);
    }
    steps = in.readLong();
    for (float[] a : new float[][] {values, mean, square}) {
      Floats.read(in, a, a.length);
    }
  }
}
