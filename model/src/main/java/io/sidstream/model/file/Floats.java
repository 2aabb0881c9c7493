package io.sidstream.model.file;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Float arrays in state: big-endian IEEE 754 bits, without a length, in chunks. */
public final class Floats {
  private static final int CHUNK = 16_384;

  private Floats() {}

  /** Writes a[0, n). */
  public static void write(DataOutput out, float[] a, int n) throws IOException {
    byte[] bytes = new byte[4 * Math.min(n, CHUNK)];
    for (int at = 0; at < n; at += CHUNK) {
      int m = Math.min(CHUNK, n - at);
      ByteBuffer.wrap(bytes).asFloatBuffer().put(a, at, m);
      out.write(bytes, 0, 4 * m);
    }
  }

  /** Reads n numbers. */
  public static float[] read(DataInput in, int n) throws IOException {
    float[] a = new float[n];
    read(in, a, n);
    return a;
  }

  /** Fills a[0, n). */
  public static void read(DataInput in, float[] a, int n) throws IOException {
    byte[] bytes = new byte[4 * Math.min(n, CHUNK)];
    for (int at = 0; at < n; at += CHUNK) {
      int m = Math.min(CHUNK, n - at);
      in.readFully(bytes, 0, 4 * m);
      ByteBuffer.wrap(bytes).asFloatBuffer().get(a, at, m);
    }
  }
}
