package io.sidstream.model.oracle;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.EncodeResult;
import java.util.Arrays;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A {@link TokenizerModel} that encodes by {@link DenseOracle} and {@link QuantizerOracle}.
 *
 * <pre>{@code
 * TokenizerOracle oracle = new TokenizerOracle(TokenizerModel.fromBytes(bytes));
 * EncodeResult result = new EncodeResult();
 * oracle.encode(vectors, n, null, result); // codes, z, distances and margins
 * }</pre>
 *
 * <p>Codes are those of the model but for near ties, which single precision decides differently.
 */
public final class TokenizerOracle {
  /** Rows that go through together, so that the memory does not grow with the batch. */
  private static final int BLOCK = 256;

  /** What the arrays of one block take is reused by the next, and freed with the thread. */
  private static final WorkspaceConfiguration MEMORY =
      WorkspaceConfiguration.builder()
          .policyLearning(LearningPolicy.FIRST_LOOP)
          .policyAllocation(AllocationPolicy.STRICT)
          .policySpill(SpillPolicy.EXTERNAL)
          .build();

  private final TokenizerModel model;
  private final DenseOracle encoder;
  private final QuantizerOracle quantizer;

  /** With the weights, codebooks and tolerance of a model. */
  public TokenizerOracle(TokenizerModel model) {
    this.model = model;
    encoder = new DenseOracle(model.encoderDims(), model.encoderWeights(), 0);
    quantizer = new QuantizerOracle(model.quantizer());
  }

  /** f: {@code [n, D_x]} to {@code [n, D_2]}. */
  public DenseOracle encoder() {
    return encoder;
  }

  /** The residual quantizer. */
  public QuantizerOracle quantizer() {
    return quantizer;
  }

  /**
   * As {@link TokenizerModel#encode}, but that no distances of the last level are kept.
   *
   * @param x {@code [n, D_x]}
   * @param previous {@code [n, L]} codes in use, -1 for none; null for none at all
   * @throws IllegalArgumentException naming the first row that has a value that is NaN, infinite or
   *     too large to square as a float
   */
  public void encode(float[] x, int n, int[] previous, EncodeResult out) {
    out.prepare(n, model.quantizer());
    for (int row = 0; row < n; row += BLOCK) {
      int rows = Math.min(BLOCK, n - row);
      MemoryWorkspace memory =
          Nd4j.getWorkspaceManager().getAndActivateWorkspace(MEMORY, "sidstream-oracle");
      try {
        encodeBlock(x, row, rows, previous, out);
      } finally {
        memory.close();
      }
    }
  }

  private void encodeBlock(float[] x, int first, int n, int[] previous, EncodeResult out) {
    int levels = out.levels;
    INDArray vectors = Matrices.matrix(x, first * model.inputDim(), n, model.inputDim());
    // Before ReLU, which makes 0 of NaN.
    refuseAbove(Double.MAX_VALUE, vectors, first);
    INDArray r = encoder.apply(vectors);
    refuseAbove(Float.MAX_VALUE, r, first);
    int[][] kept = previous == null ? null : rows(previous, first, n, levels);
    QuantizerOracle.Quantized quantized = quantizer.quantize(r, kept, model.tolerance());
    System.arraycopy(Matrices.floats(quantized.z()), 0, out.z, first * out.dim, n * out.dim);
    for (int l = 0; l < levels; l++) {
      double[][] distances = quantized.distances().get(l).toDoubleMatrix();
      for (int i = 0; i < n; i++) {
        int code = quantized.codes()[i][l];
        int at = (first + i) * levels + l;
        out.codes[at] = code;
        out.distances[at] = (float) distances[i][code];
        out.margins[at] = (float) margin(distances[i], code);
      }
    }
  }

  /**
   * Distance to the best other codeword minus that of the chosen one; 0 where there is no other.
   */
  private static double margin(double[] distances, int code) {
    double other = Double.POSITIVE_INFINITY;
    for (int k = 0; k < distances.length; k++) {
      if (k != code) {
        other = Math.min(other, distances[k]);
      }
    }
    return distances.length == 1 ? 0 : other - distances[code];
  }

  private static void refuseAbove(double limit, INDArray r, int first) {
    double[] squares = QuantizerOracle.squaredNorms(r).toDoubleVector();
    for (int i = 0; i < squares.length; i++) {
      if (!(squares[i] <= limit)) {
        throw new IllegalArgumentException(
            "Row "
                + (first + i)
                + " of the batch has a value that is NaN, infinite or too large to square");
      }
    }
  }

  private static int[][] rows(int[] codes, int first, int n, int levels) {
    int[][] rows = new int[n][];
    for (int i = 0; i < n; i++) {
      rows[i] = Arrays.copyOfRange(codes, (first + i) * levels, (first + i + 1) * levels);
    }
    return rows;
  }
}
