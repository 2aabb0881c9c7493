package io.sidstream.model.math;

import java.nio.FloatBuffer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's products. Its arrays lie outside the heap, so operands are copied there and the result
 * back: a few times slower than a library that takes arrays where they lie, most so for small
 * products. Each thread keeps the memory of its largest product.
 */
final class Nd4jProducts implements Products {
  private static final int SMALLEST = 1 << 12;

  private final ThreadLocal<Operands> operands = ThreadLocal.withInitial(Operands::new);

  Nd4jProducts() {
    Nd4jLibrary.load();
  }

  @Override
  public String name() {
    return "nd4j";
  }

  @Override
  public String description() {
    return "ND4J's " + Nd4j.getBackend().getClass().getSimpleName() + ", by copies of the arrays";
  }

  @Override
  public void sgemm(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      float alpha,
      float[] a,
      int aOff,
      int lda,
      float[] b,
      int bOff,
      int ldb,
      float beta,
      float[] c,
      int cOff,
      int ldc) {
    Operands memory = operands.get();
    int rowsA = transA ? k : m;
    int columnsA = transA ? m : k;
    int rowsB = transB ? n : k;
    int columnsB = transB ? k : n;
    INDArray left = memory.a.transposed(rowsA, columnsA);
    INDArray right = memory.b.transposed(rowsB, columnsB);
    INDArray result = memory.c.transposed(m, n);
    memory.a.put(a, aOff, rowsA, columnsA, lda);
    memory.b.put(b, bOff, rowsB, columnsB, ldb);
    if (beta != 0f) {
      memory.c.put(c, cOff, m, n, ldc);
    }
    // A row-major matrix is the transpose of a column-major one: C' = op(B)' op(A)'. ND4J computes
    // a column-major result in place, and a row-major one several times slower.
    Nd4j.gemm(right, left, result, transB, transA, alpha, beta);
    memory.c.get(c, cOff, m, n, ldc);
  }

  private static final class Operands {
    final Memory a = new Memory();
    final Memory b = new Memory();
    final Memory c = new Memory();
  }

  /** Room for a matrix outside the heap, and the matrix of the shape that was last asked for. */
  private static final class Memory {
    private DataBuffer buffer;
    private FloatBuffer values;
    private INDArray matrix;

    /** The transpose of a row-major matrix: {@code [columns, rows]}, column-major. */
    INDArray transposed(int rows, int columns) {
      int length = Math.multiplyExact(rows, columns);
      if (buffer == null || values.capacity() < length) {
        if (buffer != null) {
          matrix = null;
          buffer.close();
        }
        buffer = Nd4j.createBuffer(DataType.FLOAT, Math.max(SMALLEST, length), false);
        values = buffer.asNioFloat();
      }
      if (matrix == null || matrix.size(0) != columns || matrix.size(1) != rows) {
        matrix =
            Nd4j.create(
                buffer,
                new long[] {columns, rows},
                new long[] {1, columns},
                0,
                'f',
                DataType.FLOAT);
      }
      return matrix;
    }

    void put(float[] x, int off, int rows, int columns, int stride) {
      if (stride == columns) {
        values.put(0, x, off, rows * columns);
        return;
      }
      for (int r = 0; r < rows; r++) {
        values.put(r * columns, x, off + r * stride, columns);
      }
    }

    void get(float[] x, int off, int rows, int columns, int stride) {
      if (stride == columns) {
        values.get(0, x, off, rows * columns);
        return;
      }
      for (int r = 0; r < rows; r++) {
        values.get(r * columns, x, off + r * stride, columns);
      }
    }
  }
}
