package io.sidstream.model.learn;

import io.sidstream.model.file.Floats;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Arrays behind their length, read so that a length that is damaged costs no more memory than there
 * are bytes behind it: room grows as they come.
 */
final class BoundedArrays {
  private static final int STEP = 1 << 16;

  private BoundedArrays() {}

  static void write(DataOutput out, float[] a) throws IOException {
    out.writeInt(a.length);
    Floats.write(out, a, a.length);
  }

  static float[] floats(DataInput in) throws IOException {
    int n = count(in);
    float[] a = {};
    while (a.length < n) {
      float[] more = Floats.read(in, next(a.length, n));
      int had = a.length;
      a = Arrays.copyOf(a, had + more.length);
      System.arraycopy(more, 0, a, had, more.length);
    }
    return a;
  }

  static void write(DataOutput out, byte[] a) throws IOException {
    out.writeInt(a.length);
    out.write(a);
  }

  static byte[] bytes(DataInput in) throws IOException {
    int n = count(in);
    byte[] a = {};
    while (a.length < n) {
      int had = a.length;
      a = Arrays.copyOf(a, had + next(had, n));
      in.readFully(a, had, a.length - had);
    }
    return a;
  }

  static void write(DataOutput out, int[] a) throws IOException {
    out.writeInt(a.length);
    for (int value : a) {
      out.writeInt(value);
    }
  }

  static int[] ints(DataInput in) throws IOException {
    int n = count(in);
    int[] a = {};
    for (int i = 0; i < n; i++) {
      if (i == a.length) {
        a = Arrays.copyOf(a, i + next(i, n));
      }
      a[i] = in.readInt();
    }
    return a;
  }

  static void write(DataOutput out, long[] a) throws IOException {
    out.writeInt(a.length);
    for (long value : a) {
      out.writeLong(value);
    }
  }

  static long[] longs(DataInput in) throws IOException {
    int n = count(in);
    long[] a = {};
    for (int i = 0; i < n; i++) {
      if (i == a.length) {
        a = Arrays.copyOf(a, i + next(i, n));
      }
      a[i] = in.readLong();
    }
    return a;
  }

  static void write(DataOutput out, BitSet bits) throws IOException {
    write(out, bits.toByteArray());
  }

  static BitSet bits(DataInput in) throws IOException {
    return BitSet.valueOf(bytes(in));
  }

  static void write(DataOutput out, String text) throws IOException {
    write(out, text.getBytes(StandardCharsets.UTF_8));
  }

  static String text(DataInput in) throws IOException {
    return new String(bytes(in), StandardCharsets.UTF_8);
  }

  /** A number of things that follow, each of at least a byte. */
  static int count(DataInput in) throws IOException {
    int n = in.readInt();
    if (n < 0) {
      throw new IOException("a length is " + n + ": the bytes are damaged");
    }
    return n;
  }

  /** What to make room for, after so many of n: as many again. */
  private static int next(int had, int n) {
    return Math.min(n - had, Math.max(STEP, had));
  }
}
