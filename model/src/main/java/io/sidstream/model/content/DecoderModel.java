package io.sidstream.model.content;

import io.sidstream.model.math.RowProduct;
import io.sidstream.model.quantize.EncodeResult;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The serving form of a decoder g: D_2 → hidden → D_x, ReLU between. Immutable and thread-safe;
 * each thread brings its own {@link EncodeResult}. As bytes it is the part DECODER of the models
 * topic, big-endian:
 *
 * <pre>
 * "SIDD"  int32 format (1)  int32 number of widths  the widths: D_2, hidden sizes, D_x (int32 each)
 * per layer W [in, out], then b [out] (float32)
 * </pre>
 */
public final class DecoderModel {
  /** "SIDD". */
  private static final int MAGIC = 0x53494444;

  private static final int FORMAT = 1;
  private static final int HEAD = 12;
  private static final int MAX_LAYERS = 64;

  private final Layers layers;
  private final float[] weights;
  private final RowProduct[] products;

  /**
   * A decoder; the arrays are copied.
   *
   * @param dims D_2, hidden sizes, D_x
   * @param weights per layer W {@code [in, out]}, then b {@code [out]}
   * @throws IllegalArgumentException where the shapes do not fit
   */
  public DecoderModel(int[] dims, float[] weights) {
    layers = new Layers(dims);
    if (dims.length > MAX_LAYERS + 1 || weights.length != layers.size()) {
      throw new IllegalArgumentException(
          "a decoder %s needs %d weights in at most %d layers, not %d"
              .formatted(Arrays.toString(dims), layers.size(), MAX_LAYERS, weights.length));
    }
    this.weights = weights.clone();
    products = layers.products(this.weights);
  }

  /**
   * That of a quantizer.
   *
   * @param parameters encoder, then decoder, as {@link RqVae#parameters()}
   */
  public static DecoderModel of(RqVaeConfig config, float[] parameters) {
    int encoder = new Layers(config.encoderDims()).size();
    return new DecoderModel(
        config.decoderDims(), Arrays.copyOfRange(parameters, encoder, parameters.length));
  }

  /** D_2, hidden sizes, D_x. */
  public int[] dims() {
    return layers.dims();
  }

  /** A copy of the weights, layer by layer W {@code [in, out]}, b {@code [out]}. */
  public float[] weights() {
    return weights.clone();
  }

  /**
   * Decodes n rows, each row's bits independent of the others.
   *
   * @param z {@code [n, D_2]}, not changed
   * @param memory working memory of this thread
   * @return {@code [n, D_x]}
   */
  public float[] decode(float[] z, int n, EncodeResult memory) {
    if (z.length < (long) n * layers.in(0)) {
      throw new IllegalArgumentException(
          "a batch of %d x %d needs %d values, not %d"
              .formatted(n, layers.in(0), (long) n * layers.in(0), z.length));
    }
    float[] out = layers.forward(products, weights, z, 0, n, memory);
    return Arrays.copyOf(out, n * layers.outputDim());
  }

  /** The part DECODER. */
  public byte[] toBytes() {
    int[] dims = layers.dims();
    ByteBuffer out =
        ByteBuffer.allocate(
            Math.addExact(HEAD + 4 * dims.length, Math.multiplyExact(4, weights.length)));
    out.putInt(MAGIC).putInt(FORMAT).putInt(dims.length);
    for (int dim : dims) {
      out.putInt(dim);
    }
    out.asFloatBuffer().put(weights);
    return out.array();
  }

  /**
   * Reads what {@link #toBytes} wrote; takes no more memory than a few times the bytes.
   *
   * @throws IllegalArgumentException saying what is wrong with bytes that are foreign, truncated,
   *     longer than their weights or of a newer format
   */
  public static DecoderModel fromBytes(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (bytes.length < HEAD || in.getInt() != MAGIC) {
      throw new IllegalArgumentException(
          "not a decoder: %d bytes that do not start with SIDD".formatted(bytes.length));
    }
    int format = in.getInt();
    if (format != FORMAT) {
      throw new IllegalArgumentException(
          "a decoder of format %d; this version reads format %d".formatted(format, FORMAT));
    }
    int count = in.getInt();
    if (count < 2 || count > MAX_LAYERS + 1 || 4 * count > in.remaining()) {
      throw new IllegalArgumentException(
          "a decoder of %d widths with %d bytes left; expected: 2..%d"
              .formatted(count, in.remaining(), MAX_LAYERS + 1));
    }
    int[] dims = new int[count];
    for (int i = 0; i < count; i++) {
      dims[i] = in.getInt();
    }
    int size;
    try {
      size = new Layers(dims).size();
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "a decoder " + Arrays.toString(dims) + " is more than can be", e);
    }
    if (in.remaining() != 4L * size) {
      throw new IllegalArgumentException(
          "a decoder %s needs %d bytes of weights, %d are there"
              .formatted(Arrays.toString(dims), 4L * size, in.remaining()));
    }
    float[] weights = new float[size];
    in.asFloatBuffer().get(weights);
    return new DecoderModel(dims, weights);
  }
}
