package io.sidstream.cli.data;

import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Content vectors [rows, dim] in a NumPy file (format 1 or 2), little-endian float16 or float32, C
 * order. The file is mapped, not read: a row costs its own bytes only.
 */
public final class NpyVectors {
  private static final Pattern DESCR = Pattern.compile("'descr':\\s*'([^']*)'");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order':\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape':\\s*\\((\\d+),\\s*(\\d+),?\\s*\\)");

  private final ByteBuffer data;
  private final int rows;
  private final int dim;
  private final boolean half;

  private NpyVectors(ByteBuffer data, int rows, int dim, boolean half) {
    this.data = data;
    this.rows = rows;
    this.dim = dim;
    this.half = half;
  }

  /**
   * Opens a file.
   *
   * @throws UsageException where it is not such a file; says what is expected
   */
  public static NpyVectors open(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UsageException("--vectors " + file + " is not a file");
    }
    try (FileChannel channel = FileChannel.open(file)) {
      if (channel.size() > Integer.MAX_VALUE) {
        throw new UsageException(
            "--vectors " + file + " is larger than 2 GB; split it or use float16");
      }
      ByteBuffer all =
          channel
              .map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
              .order(ByteOrder.LITTLE_ENDIAN);
      if (all.limit() < 12 || all.get(0) != (byte) 0x93 || all.get(1) != 'N' || all.get(2) != 'U') {
        throw new UsageException("--vectors " + file + " is not a NumPy .npy file");
      }
      int start = all.get(6) == 1 ? 10 : 12;
      int length = all.get(6) == 1 ? Short.toUnsignedInt(all.getShort(8)) : all.getInt(8);
      if (length < 0 || start + length > all.limit()) {
        throw new UsageException("--vectors " + file + " is cut off in its header");
      }
      byte[] bytes = new byte[length];
      all.get(start, bytes);
      String header = new String(bytes, StandardCharsets.ISO_8859_1);
      String type = find(DESCR, header, file).group(1);
      if (!type.equals("<f2") && !type.equals("<f4")) {
        throw new UsageException(
            "--vectors " + file + " has type " + type + "; expected <f2 or <f4 (float16, float32)");
      }
      if (find(FORTRAN, header, file).group(1).equals("True")) {
        throw new UsageException(
            "--vectors " + file + " is in Fortran order; save it with numpy.ascontiguousarray");
      }
      Matcher shape = find(SHAPE, header, file);
      int rows = Integer.parseInt(shape.group(1));
      int dim = Integer.parseInt(shape.group(2));
      boolean half = type.equals("<f2");
      long expected = (long) rows * dim * (half ? 2 : 4);
      if (all.limit() - start - length != expected) {
        throw new UsageException(
            String.format(
                "--vectors %s has %d bytes of data; its shape (%d, %d) needs %d",
                file, all.limit() - start - length, rows, dim, expected));
      }
      ByteBuffer data = all.slice(start + length, (int) expected).order(ByteOrder.LITTLE_ENDIAN);
      return new NpyVectors(data, rows, dim, half);
    }
  }

  private static Matcher find(Pattern pattern, String header, Path file) {
    Matcher matcher = pattern.matcher(header);
    if (!matcher.find()) {
      throw new UsageException(
          "--vectors " + file + " is not a two-dimensional array: its header is " + header.trim());
    }
    return matcher;
  }

  /** Number of rows. */
  public int rows() {
    return rows;
  }

  /** Length of a row. */
  public int dim() {
    return dim;
  }

  /**
   * A copy of a row, [dim].
   *
   * @throws UsageException where there is no such row
   */
  public float[] row(int row) {
    if (row < 0 || row >= rows) {
      throw new UsageException(
          "the file of vectors has " + rows + " rows; an item needs row " + row + " (from 0)");
    }
    float[] out = new float[dim];
    for (int j = 0; j < dim; j++) {
      int at = row * dim + j;
      out[j] = half ? fromHalf(data.getShort(2 * at)) : data.getFloat(4 * at);
    }
    return out;
  }

  /** IEEE 754 binary16 to float, exactly; {@code Float.float16ToFloat} came with Java 20. */
  static float fromHalf(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = (bits >>> 10) & 0x1f;
    int mantissa = bits & 0x3ff;
    if (exponent == 0) {
      float value = mantissa * 0x1p-24f;
      return sign == 0 ? value : -value;
    }
    int wide = exponent == 31 ? 255 : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | wide << 23 | mantissa << 13);
  }
}
