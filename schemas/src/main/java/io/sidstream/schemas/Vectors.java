package io.sidstream.schemas;

import java.util.List;

/**
 * Between {@code float[]} and the lists that Avro's records hold, without a Float for each element.
 */
public final class Vectors {
  private Vectors() {}

  /** A list with a copy of the elements. */
  public static List<Float> toList(float[] values) {
    return new FloatList(values.clone());
  }

  /** An array with a copy of the elements; null for null. */
  public static float[] toArray(List<Float> list) {
    if (list == null) {
      return null;
    }
    if (list instanceof FloatList floats) {
      return floats.values.clone();
    }
    float[] values = new float[list.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = list.get(i);
    }
    return values;
  }
}
