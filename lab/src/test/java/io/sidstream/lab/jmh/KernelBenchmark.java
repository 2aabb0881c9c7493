package io.sidstream.lab.jmh;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.RowProduct;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The kernels by themselves, on rows of 64 but for the product: [rows, 384] x [384, 512]. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class KernelBenchmark {
  private static final int IN = 384;
  private static final int OUT = 512;
  private static final int WIDTH = 64;

  /** Rows. */
  @Param({"256"})
  public int rows;

  private float[] x;
  private float[] w;
  private float[] y;
  private float[] z;
  private float[] scratch;
  private float[] mean;
  private float[] square;
  private int[] order;
  private RowProduct product;
  private int step;

  /** Random numbers. */
  @Setup
  public void fill() {
    Rng rng = new Rng(1);
    x = EncodeBenchmark.gaussian(rows * IN, rng);
    w = EncodeBenchmark.gaussian(IN * OUT, rng);
    y = new float[rows * OUT];
    z = EncodeBenchmark.gaussian(rows * OUT, rng);
    scratch = new float[RowProduct.scratch(OUT, IN)];
    mean = new float[rows * WIDTH];
    square = new float[rows * WIDTH];
    product = new RowProduct(w, 0, IN, OUT);
    order = new int[rows];
    for (int i = 0; i < rows; i++) {
      order[i] = rng.nextInt(rows);
    }
  }

  /** The product as the tokenizer does it: the same bits for a row in any batch. */
  @Benchmark
  public float[] rowProduct() {
    product.apply(x, 0, rows, 0f, y, 0, scratch);
    return y;
  }

  /** The product by sgemm as it is. */
  @Benchmark
  public float[] gemm() {
    Blas.gemm(false, false, rows, OUT, IN, 1f, x, 0, IN, w, 0, OUT, 0f, y, 0, OUT);
    return y;
  }

  /** Softmax of each row of 64. */
  @Benchmark
  public float[] softmax() {
    System.arraycopy(z, 0, y, 0, rows * WIDTH);
    for (int r = 0; r < rows; r++) {
      Kernels.softmax(y, r * WIDTH, WIDTH);
    }
    return y;
  }

  /** Adam on as many numbers as the rows have. */
  @Benchmark
  public float[] adam() {
    step++;
    Kernels.adam(w, 0, z, 0, mean, 0, square, 0, rows * WIDTH, step, 1e-3f);
    return w;
  }

  /** Rows of 64 added to the rows that an index names. */
  @Benchmark
  public float[] scatterAdd() {
    Kernels.scatterAddRows(z, 0, WIDTH, order, rows, y, 0);
    return y;
  }
}
