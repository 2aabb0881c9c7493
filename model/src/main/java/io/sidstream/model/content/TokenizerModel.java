package io.sidstream.model.content;

import io.sidstream.model.file.Floats;
import io.sidstream.model.file.Sha256;
import io.sidstream.model.math.NotFiniteException;
import io.sidstream.model.math.RowProduct;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * The serving form of a tokenizer: encoder weights, codebooks and the stability tolerance.
 * Immutable and thread-safe; each thread brings its own {@link EncodeResult}.
 *
 * <pre>{@code
 * TokenizerModel model = TokenizerModel.fromBytes(bytes);
 * EncodeResult result = new EncodeResult(true);
 * model.encode(vectors, n, previousCodesOrNull, result);
 * int firstCode = result.codes[row * result.levels];
 * }</pre>
 */
public final class TokenizerModel {
  /** "SIDT". */
  private static final int MAGIC = 0x53494454;

  private static final int FORMAT = 1;
  private static final int DIGEST_LENGTH = 32;

  /** Rows that go through the encoder together, so that hidden layers stay in the cache. */
  private static final int BLOCK = 256;

  private final Layers encoder;
  private final float[] weights;
  private final RowProduct[] products;
  private final ResidualQuantizer quantizer;
  private final float[] tolerance;
  private final byte[] bytes;
  private final String digest;

  /**
   * A tokenizer; the arrays are copied.
   *
   * @param encoderDims D_x, hidden sizes, D_2
   * @param weights per layer W {@code [in, out]}, then b {@code [out]}
   * @param tolerance {@code [levels]} stability tolerance: absolute in cosine similarity at a
   *     cosine level, relative in squared distance at a Euclidean one
   * @throws IllegalArgumentException when the shapes do not fit
   */
  public TokenizerModel(
      int[] encoderDims, float[] weights, ResidualQuantizer quantizer, float[] tolerance) {
    this.encoder = new Layers(encoderDims);
    this.weights = weights.clone();
    this.quantizer = quantizer;
    this.tolerance = tolerance.clone();
    if (weights.length != encoder.size()) {
      throw new IllegalArgumentException(
          "Encoder "
              + Arrays.toString(encoderDims)
              + " needs "
              + encoder.size()
              + " weights, not "
              + weights.length);
    }
    if (encoder.outputDim() != quantizer.dim()) {
      throw new IllegalArgumentException(
          "Encoder gives "
              + encoder.outputDim()
              + " dimensions, the codebooks have "
              + quantizer.dim());
    }
    if (tolerance.length != quantizer.levels()) {
      throw new IllegalArgumentException(
          "Tolerance has " + tolerance.length + " values for " + quantizer.levels() + " levels");
    }
    for (float t : tolerance) {
      if (!(t >= 0f)) {
        throw new IllegalArgumentException(
            "Tolerance " + Arrays.toString(tolerance) + " must not be negative");
      }
    }
    this.products = encoder.products(this.weights);
    this.bytes = write();
    this.digest = HexFormat.of().formatHex(bytes, bytes.length - DIGEST_LENGTH, bytes.length);
  }

  /** Dimension of the content vectors, D_x. */
  public int inputDim() {
    return encoder.in(0);
  }

  /** Dimension of z, D_2. */
  public int dim() {
    return quantizer.dim();
  }

  /** Number of levels, L. */
  public int levels() {
    return quantizer.levels();
  }

  /** D_x, hidden sizes, D_2. */
  public int[] encoderDims() {
    return encoder.dims();
  }

  /** A copy of the encoder's weights, layer by layer W {@code [in, out]}, b {@code [out]}. */
  public float[] encoderWeights() {
    return weights.clone();
  }

  /** The codebooks. */
  public ResidualQuantizer quantizer() {
    return quantizer;
  }

  /** A copy of the stability tolerance, {@code [levels]}. */
  public float[] tolerance() {
    return tolerance.clone();
  }

  /** The same model under another tolerance. */
  public TokenizerModel withTolerance(float[] newTolerance) {
    return new TokenizerModel(encoder.dims(), weights, quantizer, newTolerance);
  }

  /**
   * Encodes n content vectors. The codes of a row do not depend on the other rows.
   *
   * @param x {@code [n, D_x]}, not changed
   * @param previous {@code [n, levels]} codes in use, kept within the tolerance, -1 for none; null
   *     for no stability
   * @throws NotFiniteException naming the first row that has a value that is NaN, infinite or too
   *     large
   */
  public void encode(float[] x, int n, int[] previous, EncodeResult out) {
    checkContent(x, n);
    if (previous != null && previous.length < (long) n * levels()) {
      throw new IllegalArgumentException(
          "Previous codes of "
              + n
              + " x "
              + levels()
              + " need "
              + (long) n * levels()
              + " values, not "
              + previous.length);
    }
    out.prepare(n, quantizer);
    for (int row = 0; row < n; row += BLOCK) {
      int rows = Math.min(BLOCK, n - row);
      // A value that is NaN or infinite makes all of its row's output so, and the quantizer says
      // it.
      float[] r = encoder.forward(products, weights, x, row * inputDim(), rows, out);
      quantizer.encodeRows(r, 0, rows, previous, tolerance, out, row);
    }
  }

  /**
   * The encoder's output f(x), which {@link #encode} quantizes: with it, the same rows can be
   * quantized under several tolerances for the price of one pass through the encoder.
   *
   * @param x {@code [n, D_x]}, not changed
   * @param f out: {@code [n, D_2]} from fOff; where x or a weight is not finite, neither is its row
   * @param memory working memory; holds no result afterwards
   */
  public void encoderOutput(float[] x, int n, float[] f, int fOff, EncodeResult memory) {
    checkContent(x, n);
    for (int row = 0; row < n; row += BLOCK) {
      int rows = Math.min(BLOCK, n - row);
      float[] r = encoder.forward(products, weights, x, row * inputDim(), rows, memory);
      System.arraycopy(r, 0, f, fOff + row * dim(), rows * dim());
    }
  }

  private void checkContent(float[] x, int n) {
    if (x.length < (long) n * inputDim()) {
      throw new IllegalArgumentException(
          "Batch of "
              + n
              + " x "
              + inputDim()
              + " needs "
              + (long) n * inputDim()
              + " values, not "
              + x.length);
    }
  }

  /**
   * The model as bytes: magic {@code SIDT}, format version, shapes, weights, codebooks, tolerance,
   * and the SHA-256 of what precedes.
   */
  public byte[] toBytes() {
    return bytes.clone();
  }

  /** SHA-256 of the model, lower-case hex. */
  public String digest() {
    return digest;
  }

  private byte[] write() {
    ByteArrayOutputStream buffer = new ByteArrayOutputStream(weights.length * 4 + 4096);
    try (DataOutputStream out = new DataOutputStream(buffer)) {
      out.writeInt(MAGIC);
      out.writeInt(FORMAT);
      int[] dims = encoder.dims();
      out.writeInt(dims.length);
      for (int dim : dims) {
        out.writeInt(dim);
      }
      Floats.write(out, weights, weights.length);
      out.writeInt(levels());
      for (int l = 0; l < levels(); l++) {
        Codebook book = quantizer.codebook(l);
        out.writeUTF(book.metric().name());
        out.writeInt(book.size());
        Floats.write(out, book.codewords(), book.codewords().length);
        out.writeFloat(tolerance[l]);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byte[] content = buffer.toByteArray();
    byte[] all = Arrays.copyOf(content, content.length + DIGEST_LENGTH);
    System.arraycopy(Sha256.of(content, content.length), 0, all, content.length, DIGEST_LENGTH);
    return all;
  }

  /**
   * Reads what {@link #toBytes} wrote.
   *
   * @throws IllegalArgumentException saying what is wrong with bytes that are foreign, truncated,
   *     corrupt or of a newer format
   */
  public static TokenizerModel fromBytes(byte[] bytes) {
    if (bytes.length < 8 + DIGEST_LENGTH || ByteBuffer.wrap(bytes).getInt() != MAGIC) {
      throw new IllegalArgumentException(
          "Not a tokenizer model: " + bytes.length + " bytes that do not start with SIDT");
    }
    int format = ByteBuffer.wrap(bytes).getInt(4);
    if (format != FORMAT) {
      throw new IllegalArgumentException(
          "Tokenizer model of format " + format + "; this version reads format " + FORMAT);
    }
    int length = bytes.length - DIGEST_LENGTH;
    if (!Arrays.equals(Sha256.of(bytes, length), Arrays.copyOfRange(bytes, length, bytes.length))) {
      throw new IllegalArgumentException(
          "Tokenizer model of "
              + bytes.length
              + " bytes is truncated or corrupt: its SHA-256 does not match");
    }
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes, 8, length - 8))) {
      int[] dims = new int[count("layer widths", in.readInt(), Integer.BYTES, in)];
      for (int i = 0; i < dims.length; i++) {
        dims[i] = in.readInt();
      }
      int weights = count("weights", new Layers(dims).size(), Float.BYTES, in);
      float[] encoder = Floats.read(in, weights);
      int levels = count("levels", in.readInt(), Float.BYTES, in);
      int dim = dims[dims.length - 1];
      List<Codebook> books = new ArrayList<>();
      float[] tolerance = new float[levels];
      for (int l = 0; l < levels; l++) {
        Metric metric = Metric.valueOf(in.readUTF());
        int size = in.readInt();
        int values = count("codewords", Math.multiplyExact(size, dim), Float.BYTES, in);
        books.add(new Codebook(metric, size, dim, Floats.read(in, values)));
        tolerance[l] = in.readFloat();
      }
      return new TokenizerModel(dims, encoder, new ResidualQuantizer(books), tolerance);
    } catch (EOFException e) {
      throw new IllegalArgumentException(
          "Tokenizer model ends too early, after " + bytes.length + " bytes", e);
    } catch (IOException | ArithmeticException e) {
      throw new IllegalArgumentException(
          "Tokenizer model of " + bytes.length + " bytes is malformed: " + e.getMessage(), e);
    }
  }

  /** The number itself, where so many things of a size can follow: nothing larger is allocated. */
  private static int count(String what, int n, int bytes, DataInputStream in) throws IOException {
    if (n < 0 || n > in.available() / bytes) {
      throw new IOException(
          "it says %d %s where %d bytes are left".formatted(n, what, in.available()));
    }
    return n;
  }
}
