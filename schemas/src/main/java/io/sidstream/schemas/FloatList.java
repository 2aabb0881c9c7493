package io.sidstream.schemas;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.AbstractList;
import java.util.RandomAccess;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.Encoder;

/**
 * Numbers as an Avro record holds them, without a Float for each, and without a call for each where
 * they are read and written: Avro's floats are IEEE 754 bits, little-endian, one behind the other.
 */
final class FloatList extends AbstractList<Float> implements RandomAccess {
  /** Not to be changed. */
  final float[] values;

  FloatList(float[] values) {
    this.values = values;
  }

  @Override
  public Float get(int i) {
    return values[i];
  }

  @Override
  public int size() {
    return values.length;
  }

  /** Writes the elements of a block. */
  void write(Encoder to) throws IOException {
    byte[] bytes = new byte[Float.BYTES * values.length];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
    to.writeFixed(bytes);
  }

  /**
   * Reads the elements of a block.
   *
   * @param to gets the elements, from a place on
   */
  static void read(Decoder from, float[] to, int at, int n) throws IOException {
    byte[] bytes = new byte[Float.BYTES * n];
    from.readFixed(bytes);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(to, at, n);
  }
}
