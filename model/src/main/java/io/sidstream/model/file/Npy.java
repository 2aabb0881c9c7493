package io.sidstream.model.file;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * NumPy's {@code .npy} format (numpy.lib.format, versions 1 to 3), for arrays of 1 to 3 dimensions
 * in C order, little-endian: float32, float16 (read as float32) and int32.
 */
public final class Npy {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int ALIGNMENT = 64;
  private static final int MAX_HEADER = 1 << 16;

  /** Longest array of a JVM. */
  private static final int MOST_IN_ARRAY = Integer.MAX_VALUE - 8;

  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([^)]*)\\)");

  private Npy() {}

  /**
   * A float array.
   *
   * @param shape 1 to 3 dimensions
   * @param data row-major, as long as the product of the shape
   */
  public record Floats(int[] shape, float[] data) {}

  /**
   * An int array.
   *
   * @param shape 1 to 3 dimensions
   * @param data row-major, as long as the product of the shape
   */
  public record Ints(int[] shape, int[] data) {}

  /**
   * What a file says of its array.
   *
   * @param type NumPy's type, such as {@code <f4}
   * @param shape 1 to 3 dimensions
   * @param size product of the shape
   * @param offset bytes of the file before the array
   */
  public record Header(String type, int[] shape, int size, int offset) {}

  /**
   * Reads a float32 or float16 array, to the end of the stream.
   *
   * @throws IOException saying what is wrong with a file that is foreign, truncated, longer than
   *     its array or of another type
   */
  public static Floats readFloats(InputStream in) throws IOException {
    Header header = readHeader(in);
    switch (header.type) {
      case "<f4" -> {
        ByteBuffer body = body(in, header, Float.BYTES);
        float[] data = new float[header.size];
        body.asFloatBuffer().get(data);
        return new Floats(header.shape, data);
      }
      case "<f2" -> {
        ByteBuffer body = body(in, header, Short.BYTES);
        float[] data = new float[header.size];
        for (int i = 0; i < data.length; i++) {
          data[i] = halfToFloat(body.getShort());
        }
        return new Floats(header.shape, data);
      }
      default ->
          throw new IOException(
              "npy array has type '"
                  + header.type
                  + "', expected '<f4' or '<f2'; convert it with astype(numpy.float32)");
    }
  }

  /**
   * Reads an int32 array, to the end of the stream.
   *
   * @throws IOException saying what is wrong with a file that is foreign, truncated, longer than
   *     its array or of another type
   */
  public static Ints readInts(InputStream in) throws IOException {
    Header header = readHeader(in);
    if (!header.type.equals("<i4")) {
      throw new IOException(
          "npy array has type '"
              + header.type
              + "', expected '<i4'; convert it with astype(numpy.int32)");
    }
    ByteBuffer body = body(in, header, Integer.BYTES);
    int[] data = new int[header.size];
    body.asIntBuffer().get(data);
    return new Ints(header.shape, data);
  }

  /** Writes a float32 array of the shape. */
  public static void write(OutputStream out, float[] data, int... shape) throws IOException {
    writeHeader(out, "<f4", data.length, shape);
    ByteBuffer body =
        ByteBuffer.allocate(Math.multiplyExact(data.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    body.asFloatBuffer().put(data);
    out.write(body.array());
  }

  /** Writes an int32 array of the shape. */
  public static void write(OutputStream out, int[] data, int... shape) throws IOException {
    writeHeader(out, "<i4", data.length, shape);
    ByteBuffer body =
        ByteBuffer.allocate(Math.multiplyExact(data.length, Integer.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    body.asIntBuffer().put(data);
    out.write(body.array());
  }

  /**
   * Reads what precedes the array; the stream is then at its first element.
   *
   * @throws IOException saying what is wrong with a file that is foreign, truncated, in Fortran
   *     order or too large
   */
  public static Header readHeader(InputStream in) throws IOException {
    byte[] start = in.readNBytes(8);
    if (start.length < 8 || !Arrays.equals(MAGIC, 0, 6, start, 0, 6)) {
      throw new IOException("Not an npy file: it does not start with \\x93NUMPY");
    }
    int version = start[6];
    if (version < 1 || version > 3) {
      throw new IOException("npy format version " + version + " is not known; versions 1 to 3 are");
    }
    byte[] size = exactly(in, version == 1 ? 2 : 4, "header length");
    ByteBuffer sizes = ByteBuffer.wrap(size).order(ByteOrder.LITTLE_ENDIAN);
    int length = version == 1 ? sizes.getShort() & 0xFFFF : sizes.getInt();
    if (length < 0 || length > MAX_HEADER) {
      throw new IOException(
          "npy header of " + length + " bytes; more than " + MAX_HEADER + " is not credible");
    }
    String header = new String(exactly(in, length, "header"), StandardCharsets.UTF_8);
    String type = find(DESCR, header, "descr");
    if (find(FORTRAN, header, "fortran_order").equals("True")) {
      throw new IOException("npy array is in Fortran order; save it with numpy.ascontiguousarray");
    }
    String dims = find(SHAPE, header, "shape").strip();
    String[] parts = dims.isEmpty() ? new String[0] : dims.split(",");
    if (parts.length < 1 || parts.length > 3) {
      throw new IOException("npy array has shape (" + dims + "); 1 to 3 dimensions are read");
    }
    int[] shape = new int[parts.length];
    long total = 1;
    for (int i = 0; i < parts.length; i++) {
      try {
        shape[i] = Integer.parseInt(parts[i].strip());
      } catch (NumberFormatException e) {
        throw new IOException(
            "npy array has shape (" + dims + "), in which '" + parts[i] + "' is no dimension", e);
      }
      total *= shape[i];
      if (shape[i] < 0 || total > MOST_IN_ARRAY) {
        throw new IOException(
            "npy array of shape ("
                + dims
                + ") has more than "
                + MOST_IN_ARRAY
                + " numbers: take fewer rows");
      }
    }
    return new Header(type, shape, (int) total, 8 + size.length + length);
  }

  private static String find(Pattern pattern, String header, String name) throws IOException {
    Matcher matcher = pattern.matcher(header);
    if (!matcher.find()) {
      throw new IOException("npy header has no " + name + ": " + header.strip());
    }
    return matcher.group(1);
  }

  private static ByteBuffer body(InputStream in, Header header, int width) throws IOException {
    long length = (long) header.size * width;
    if (length > MOST_IN_ARRAY) {
      throw new IOException(
          "npy array of shape "
              + Arrays.toString(header.shape)
              + " has "
              + length
              + " bytes; at most "
              + MOST_IN_ARRAY
              + " are read: take fewer rows");
    }
    byte[] bytes = exactly(in, (int) length, "array");
    if (in.read() >= 0) {
      throw new IOException(
          "npy file goes on after the "
              + bytes.length
              + " bytes of its array, of shape "
              + Arrays.toString(header.shape)
              + "; write it again");
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] exactly(InputStream in, int length, String what) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException(
          "npy file is truncated: its "
              + what
              + " needs "
              + length
              + " bytes, "
              + bytes.length
              + " are there");
    }
    return bytes;
  }

  private static void writeHeader(OutputStream out, String type, int length, int[] shape)
      throws IOException {
    if (shape.length < 1 || shape.length > 3) {
      throw new IllegalArgumentException(
          "Shape " + Arrays.toString(shape) + " must have 1 to 3 dimensions");
    }
    long total = 1;
    StringBuilder dims = new StringBuilder();
    for (int dim : shape) {
      total *= dim;
      dims.append(dim).append(", ");
    }
    if (total != length) {
      throw new IllegalArgumentException(
          "Shape " + Arrays.toString(shape) + " needs " + total + " values, not " + length);
    }
    dims.setLength(shape.length == 1 ? dims.length() - 1 : dims.length() - 2);
    StringBuilder header =
        new StringBuilder(
            "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + dims + "), }");
    int before = MAGIC.length + 4;
    while ((before + header.length() + 1) % ALIGNMENT != 0) {
      header.append(' ');
    }
    header.append('\n');
    out.write(MAGIC);
    out.write(new byte[] {1, 0, (byte) header.length(), (byte) (header.length() >> 8)});
    out.write(header.toString().getBytes(StandardCharsets.US_ASCII));
  }

  /** IEEE 754 binary16 to binary32; exact. */
  public static float halfToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >> 10) & 0x1F;
    int fraction = half & 0x3FF;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int bits = exponent == 31 ? 0x7F800000 : (exponent + 112) << 23;
    return Float.intBitsToFloat(sign | bits | fraction << 13);
  }
}
