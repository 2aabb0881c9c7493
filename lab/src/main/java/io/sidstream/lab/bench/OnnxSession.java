package io.sidstream.lab.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Map;

/** A graph of {@link OnnxTokenizer} in ONNX Runtime, all optimizations, one thread. */
final class OnnxSession implements AutoCloseable {
  private static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

  private final OrtSession session;

  /** Loads an ONNX model. */
  OnnxSession(byte[] model) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      session = ENVIRONMENT.createSession(model, options);
    }
  }

  /** The version of ONNX Runtime. */
  static String version() {
    return ENVIRONMENT.getVersion();
  }

  /**
   * A batch in native memory, to be given to any session as often as wanted.
   *
   * @param x {@code [n, dim]}
   */
  static OnnxTensor batch(float[] x, int n, int dim) throws OrtException {
    FloatBuffer buffer =
        ByteBuffer.allocateDirect(Float.BYTES * n * dim)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    buffer.put(x, 0, n * dim).rewind();
    return OnnxTensor.createTensor(ENVIRONMENT, buffer, new long[] {n, dim});
  }

  /** Runs the graph; the result stays in native memory and is let go. */
  void run(OnnxTensor batch) throws OrtException {
    session.run(Map.of(OnnxTokenizer.INPUT, batch)).close();
  }

  /** What the encoder gives, f(x) {@code [n, D_2]}. */
  float[] floats(OnnxTensor batch) throws OrtException {
    try (OrtSession.Result result = session.run(Map.of(OnnxTokenizer.INPUT, batch))) {
      FloatBuffer out = ((OnnxTensor) result.get(0)).getFloatBuffer();
      float[] values = new float[out.remaining()];
      out.get(values);
      return values;
    }
  }

  /** What the tokenizer gives, codes {@code [n, levels]}. */
  int[] codes(OnnxTensor batch) throws OrtException {
    try (OrtSession.Result result = session.run(Map.of(OnnxTokenizer.INPUT, batch))) {
      LongBuffer out = ((OnnxTensor) result.get(0)).getLongBuffer();
      int[] codes = new int[out.remaining()];
      for (int i = 0; i < codes.length; i++) {
        codes[i] = (int) out.get(i);
      }
      return codes;
    }
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
