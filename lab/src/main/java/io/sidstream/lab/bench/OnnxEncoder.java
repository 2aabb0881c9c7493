package io.sidstream.lab.bench;

import ai.onnx.proto.OnnxMl;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/**
 * An encoder (linear layers with ReLU between) in ONNX Runtime, one thread. The graph is one Gemm
 * node a layer, opset 17.
 */
final class OnnxEncoder implements AutoCloseable {
  private static final String INPUT = "x";
  private static final String OUTPUT = "f";

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  /**
   * Loads the encoder.
   *
   * @param dims D_x, hidden sizes, D_2
   * @param weights per layer W {@code [in, out]}, then b {@code [out]}
   */
  OnnxEncoder(int[] dims, float[] weights) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      session = environment.createSession(model(dims, weights), options);
    }
  }

  /** The encoder as an ONNX model. */
  static byte[] model(int[] dims, float[] weights) {
    OnnxMl.GraphProto.Builder graph = OnnxMl.GraphProto.newBuilder().setName("encoder");
    graph.addInput(value(INPUT, dims[0]));
    graph.addOutput(value(OUTPUT, dims[dims.length - 1]));
    int at = 0;
    String last = INPUT;
    for (int l = 0; l + 1 < dims.length; l++) {
      boolean end = l + 2 == dims.length;
      graph.addInitializer(tensor("W" + l, weights, at, dims[l], dims[l + 1]));
      at += dims[l] * dims[l + 1];
      graph.addInitializer(tensor("b" + l, weights, at, dims[l + 1]));
      at += dims[l + 1];
      String linear = end ? OUTPUT : "linear" + l;
      graph.addNode(
          OnnxMl.NodeProto.newBuilder()
              .setOpType("Gemm")
              .addInput(last)
              .addInput("W" + l)
              .addInput("b" + l)
              .addOutput(linear));
      if (!end) {
        last = "relu" + l;
        graph.addNode(
            OnnxMl.NodeProto.newBuilder().setOpType("Relu").addInput(linear).addOutput(last));
      }
    }
    return OnnxMl.ModelProto.newBuilder()
        .setIrVersion(8)
        .setProducerName("sidstream")
        .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static OnnxMl.ValueInfoProto value(String name, int dim) {
    OnnxMl.TensorShapeProto shape =
        OnnxMl.TensorShapeProto.newBuilder()
            .addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimParam("n"))
            .addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimValue(dim))
            .build();
    return OnnxMl.ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            OnnxMl.TypeProto.newBuilder()
                .setTensorType(
                    OnnxMl.TypeProto.Tensor.newBuilder()
                        .setElemType(OnnxMl.TensorProto.DataType.FLOAT_VALUE)
                        .setShape(shape)))
        .build();
  }

  private static OnnxMl.TensorProto tensor(String name, float[] values, int from, int... shape) {
    int n = 1;
    OnnxMl.TensorProto.Builder tensor =
        OnnxMl.TensorProto.newBuilder()
            .setName(name)
            .setDataType(OnnxMl.TensorProto.DataType.FLOAT_VALUE);
    for (int dim : shape) {
      tensor.addDims(dim);
      n *= dim;
    }
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * n).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values, from, n);
    return tensor.setRawData(ByteString.copyFrom(bytes.array())).build();
  }

  /**
   * A batch in native memory, to be given to {@link #run} as often as wanted.
   *
   * @param x [n, D_x]
   */
  OnnxTensor batch(float[] x, int n, int dim) throws OrtException {
    FloatBuffer buffer =
        ByteBuffer.allocateDirect(Float.BYTES * n * dim)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    buffer.put(x, 0, n * dim).rewind();
    return OnnxTensor.createTensor(environment, buffer, new long[] {n, dim});
  }

  /** Encodes; the result stays in native memory and is let go. */
  void run(OnnxTensor batch) throws OrtException {
    session.run(Map.of(INPUT, batch)).close();
  }

  /** f(x), [n, D_2]. */
  float[] encode(OnnxTensor batch) throws OrtException {
    try (OrtSession.Result result = session.run(Map.of(INPUT, batch))) {
      FloatBuffer out = ((OnnxTensor) result.get(0)).getFloatBuffer();
      float[] f = new float[out.remaining()];
      out.get(f);
      return f;
    }
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
