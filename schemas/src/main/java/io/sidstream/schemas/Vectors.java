package io.sidstream.schemas;

import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.PrimitivesArrays.FloatArray;

/**
 * Between {@code float[]} and the lists that Avro's records hold, without a Float for each element.
 */
public final class Vectors {
  private static final Schema FLOATS = Schema.createArray(Schema.create(Schema.Type.FLOAT));

  private Vectors() {}

  /** A list with a copy of the elements. */
  public static List<Float> toList(float[] values) {
    FloatArray list = new FloatArray(values.length, FLOATS);
    for (int i = 0; i < values.length; i++) {
      list.add(i, values[i]);
    }
    return list;
  }

  /** An array with a copy of the elements; null for null. */
  public static float[] toArray(List<Float> list) {
    if (list == null) {
      return null;
    }
    float[] values = new float[list.size()];
    if (list instanceof FloatArray floats) {
      for (int i = 0; i < values.length; i++) {
        values[i] = floats.getFloat(i);
      }
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = list.get(i);
      }
    }
    return values;
  }
}
