package io.sidstream.lab.bench;

import ai.onnx.proto.OnnxMl;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

/**
 * An ONNX graph (opset 17) in the making. Its input and output are {@code [n, dim]}, n being the
 * batch; the first output of a node has the node's name.
 */
final class OnnxGraph {
  private static final int IR_VERSION = 8;
  private static final int OPSET = 17;

  private final OnnxMl.GraphProto.Builder graph;

  /** A graph without nodes. */
  OnnxGraph(String name) {
    graph = OnnxMl.GraphProto.newBuilder().setName(name);
  }

  /** The input, {@code [n, dim]} floats. */
  void input(String name, int dim) {
    graph.addInput(value(name, OnnxMl.TensorProto.DataType.FLOAT_VALUE, dim));
  }

  /** An output of floats, {@code [n, dim]}. */
  void floats(String name, int dim) {
    graph.addOutput(value(name, OnnxMl.TensorProto.DataType.FLOAT_VALUE, dim));
  }

  /** An output of 64-bit integers, {@code [n, dim]}. */
  void integers(String name, int dim) {
    graph.addOutput(value(name, OnnxMl.TensorProto.DataType.INT64_VALUE, dim));
  }

  /** A constant: the floats from {@code from} on that the shape has room for, row-major. */
  void constant(String name, float[] values, int from, int... shape) {
    int n = 1;
    for (int dim : shape) {
      n *= dim;
    }
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * n).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values, from, n);
    constant(name, OnnxMl.TensorProto.DataType.FLOAT_VALUE, bytes, shape);
  }

  /** A constant vector of 64-bit integers, as axes are given. */
  void constant(String name, long... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    constant(name, OnnxMl.TensorProto.DataType.INT64_VALUE, bytes, values.length);
  }

  private void constant(String name, int type, ByteBuffer bytes, int... shape) {
    OnnxMl.TensorProto.Builder tensor =
        OnnxMl.TensorProto.newBuilder()
            .setName(name)
            .setDataType(type)
            .setRawData(ByteString.copyFrom(bytes.array()));
    for (int dim : shape) {
      tensor.addDims(dim);
    }
    graph.addInitializer(tensor);
  }

  /** A node without attributes. */
  void node(String operator, String output, String... inputs) {
    node(operator, output, Map.of(), inputs);
  }

  /** A node with attributes that are integers. */
  void node(String operator, String output, Map<String, Integer> attributes, String... inputs) {
    OnnxMl.NodeProto.Builder node =
        OnnxMl.NodeProto.newBuilder().setName(output).setOpType(operator).addOutput(output);
    for (String input : inputs) {
      node.addInput(input);
    }
    attributes.forEach(
        (name, number) ->
            node.addAttribute(
                OnnxMl.AttributeProto.newBuilder()
                    .setName(name)
                    .setType(OnnxMl.AttributeProto.AttributeType.INT)
                    .setI(number)));
    graph.addNode(node);
  }

  /** The graph as an ONNX model. */
  byte[] model() {
    return OnnxMl.ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("sidstream")
        .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static OnnxMl.ValueInfoProto value(String name, int type, int dim) {
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
                    OnnxMl.TypeProto.Tensor.newBuilder().setElemType(type).setShape(shape)))
        .build();
  }
}
