package io.sidstream.cli.data;

import io.sidstream.cli.UsageException;
import io.sidstream.model.file.Npy;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Content vectors [rows, dim] in a NumPy file, little-endian float16 or float32, C order. The file
 * is mapped, not read: a row costs its own bytes only. What a header may say is up to {@link Npy}.
 */
public final class NpyVectors {
  private final String name;
  private final ByteBuffer data;
  private final int rows;
  private final int dim;
  private final boolean half;

  private NpyVectors(String name, ByteBuffer data, int rows, int dim, boolean half) {
    this.name = name;
    this.data = data;
    this.rows = rows;
    this.dim = dim;
    this.half = half;
  }

  /**
   * Opens the file of the option {@code --vectors}.
   *
   * @throws UsageException where it is not such a file; says what is expected
   */
  public static NpyVectors open(Path file) throws IOException {
    String name = "--vectors " + file;
    if (!Files.isRegularFile(file)) {
      throw new UsageException(name + " is not a file");
    }
    Npy.Header header;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      header = Npy.readHeader(in);
    } catch (IOException e) {
      throw new UsageException(name + ": " + e.getMessage());
    }
    if (!header.type().equals("<f2") && !header.type().equals("<f4")) {
      throw new UsageException(
          name
              + " has type "
              + header.type()
              + "; expected <f2 or <f4 (float16, float32): convert it with astype(numpy.float32)");
    }
    if (header.shape().length != 2) {
      throw new UsageException(
          name + " has shape " + shape(header.shape()) + "; expected (N, D): one row an item");
    }
    if (header.shape()[1] == 0) {
      throw new UsageException(
          name + " has shape " + shape(header.shape()) + "; a row needs one number or more");
    }
    boolean half = header.type().equals("<f2");
    long expected = (long) header.size() * (half ? 2 : 4);
    try (FileChannel channel = FileChannel.open(file)) {
      if (channel.size() > Integer.MAX_VALUE) {
        throw new UsageException(
            name
                + " has "
                + channel.size()
                + " bytes, more than the 2 GB that are read; "
                + (half ? "take fewer rows" : "convert it with astype(numpy.float16)"));
      }
      long there = channel.size() - header.offset();
      if (there != expected) {
        throw new UsageException(
            String.format(
                "%s has %d bytes of data; its shape %s needs %d",
                name, there, shape(header.shape()), expected));
      }
      ByteBuffer data =
          channel
              .map(FileChannel.MapMode.READ_ONLY, header.offset(), expected)
              .order(ByteOrder.LITTLE_ENDIAN);
      return new NpyVectors(name, data, header.shape()[0], header.shape()[1], half);
    }
  }

  /** A shape as NumPy writes it. */
  public static String shape(int... shape) {
    StringBuilder out = new StringBuilder("(");
    for (int i = 0; i < shape.length; i++) {
      out.append(i == 0 ? "" : ", ").append(shape[i]);
    }
    return out.append(shape.length == 1 ? ",)" : ")").toString();
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
    copy(row, out, 0);
    return out;
  }

  /**
   * Copies rows [from, from + n).
   *
   * @param out [n, dim] or longer
   * @throws UsageException naming the first row that has a value that is NaN or infinite, or whose
   *     squared norm is
   */
  public void read(int from, int n, float[] out) {
    for (int i = 0; i < n; i++) {
      copy(from + i, out, i * dim);
      float squaredNorm = 0f;
      for (int j = i * dim; j < (i + 1) * dim; j++) {
        if (!Float.isFinite(out[j])) {
          throw new UsageException(
              String.format(
                  "%s %s has %s in row %d, column %d (from 0); every value must be finite",
                  name, shape(rows, dim), out[j], from + i, j - i * dim));
        }
        squaredNorm += out[j] * out[j];
      }
      if (!Float.isFinite(squaredNorm)) {
        throw new UsageException(
            String.format(
                "%s %s: the numbers of row %d (from 0) are too large to square; scale the vectors down",
                name, shape(rows, dim), from + i));
      }
    }
  }

  private void copy(int row, float[] out, int off) {
    for (int j = 0; j < dim; j++) {
      int at = row * dim + j;
      out[off + j] = half ? Npy.halfToFloat(data.getShort(2 * at)) : data.getFloat(4 * at);
    }
  }
}
