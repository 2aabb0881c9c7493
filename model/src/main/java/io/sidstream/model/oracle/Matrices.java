package io.sidstream.model.oracle;

import io.sidstream.model.math.Nd4jLibrary;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The way of flat row-major arrays into ND4J's matrices of doubles, and back. */
final class Matrices {
  static {
    Nd4jLibrary.load();
  }

  private Matrices() {}

  /** The matrix {@code [rows, columns]} that lies at {@code from}. */
  static INDArray matrix(float[] values, int from, int rows, int columns) {
    double[] doubles = new double[Math.multiplyExact(rows, columns)];
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = values[from + i];
    }
    return Nd4j.create(doubles, new long[] {rows, columns}, DataType.DOUBLE);
  }

  /** The row vector {@code [1, n]} that lies at {@code from}. */
  static INDArray row(float[] values, int from, int n) {
    return matrix(values, from, 1, n);
  }

  /** The numbers of a matrix, row by row, as floats. */
  static float[] floats(INDArray matrix) {
    return matrix.castTo(DataType.FLOAT).dup('c').data().asFloat();
  }
}
