package io.sidstream.lab.bench;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.util.Map;

/**
 * A tokenizer as ONNX graphs of 32-bit floats. A layer of the encoder is a Gemm with ReLU between;
 * a level of the quantizer is, with residual r {@code [n, D]} and codebook C {@code [K, D]},
 *
 * <pre>
 * scores = r Cᵀ              MatMul, at a cosine level
 * scores = r Cᵀ − ‖C‖² / 2   Gemm, at a Euclidean level
 * c = argmax scores          ArgMax, the lowest index of a tie
 * r = r − C[c]               Gather, Sub; not after the last level
 * </pre>
 *
 * <p>These are the codes of {@link ResidualQuantizer}: argmax ⟨r/‖r‖, C[k]⟩ is that of ⟨r, C[k]⟩,
 * and argmin ‖r − C[k]‖² that of the second line. A residual of norm 0 scores 0 everywhere at a
 * cosine level and so has code 0. Unlike ours, the graph does not look again at near ties, which
 * may tip by the rounding of sums, and has no previous codes, z, distances and margins.
 */
final class OnnxTokenizer {
  /** The input of both graphs, x {@code [n, D_x]}. */
  static final String INPUT = "x";

  private OnnxTokenizer() {}

  /** The encoder alone: gives f(x) {@code [n, D_2]}. */
  static byte[] encoder(TokenizerModel model) {
    OnnxGraph graph = new OnnxGraph("encoder");
    graph.floats(encode(graph, model), model.dim());
    return graph.model();
  }

  /** Encoder and quantizer: gives the codes, {@code [n, levels]}. */
  static byte[] tokenizer(TokenizerModel model) {
    OnnxGraph graph = new OnnxGraph("tokenizer");
    String output = quantize(graph, encode(graph, model), model.quantizer());
    graph.integers(output, model.levels());
    return graph.model();
  }

  private static String encode(OnnxGraph graph, TokenizerModel model) {
    int[] dims = model.encoderDims();
    float[] weights = model.encoderWeights();
    graph.input(INPUT, dims[0]);
    int at = 0;
    String last = INPUT;
    for (int l = 0; l + 1 < dims.length; l++) {
      graph.constant("W" + l, weights, at, dims[l], dims[l + 1]);
      at += dims[l] * dims[l + 1];
      graph.constant("b" + l, weights, at, dims[l + 1]);
      at += dims[l + 1];
      graph.node("Gemm", "linear" + l, last, "W" + l, "b" + l);
      last = "linear" + l;
      if (l + 2 < dims.length) {
        graph.node("Relu", "relu" + l, last);
        last = "relu" + l;
      }
    }
    return last;
  }

  private static String quantize(OnnxGraph graph, String input, ResidualQuantizer quantizer) {
    int levels = quantizer.levels();
    String[] columns = new String[levels];
    String residual = input;
    graph.constant("column", 1);
    for (int l = 0; l < levels; l++) {
      score(graph, residual, l, quantizer.codebook(l));
      graph.node(
          "ArgMax",
          "code" + l,
          Map.of("axis", 1, "keepdims", 0, "select_last_index", 0),
          "scores" + l);
      columns[l] = "column" + l;
      graph.node("Unsqueeze", columns[l], "code" + l, "column");
      if (l + 1 < levels) {
        Codebook book = quantizer.codebook(l);
        graph.constant("C" + l, book.codewords(), 0, book.size(), book.dim());
        graph.node("Gather", "word" + l, "C" + l, "code" + l);
        graph.node("Sub", "residual" + l, residual, "word" + l);
        residual = "residual" + l;
      }
    }
    graph.node("Concat", "codes", Map.of("axis", 1), columns);
    return "codes";
  }

  private static void score(OnnxGraph graph, String residual, int level, Codebook book) {
    int size = book.size();
    int dim = book.dim();
    float[] codewords = book.codewords();
    float[] transposed = new float[dim * size];
    float[] start = new float[size];
    for (int k = 0; k < size; k++) {
      double squaredNorm = 0;
      for (int d = 0; d < dim; d++) {
        float c = codewords[k * dim + d];
        transposed[d * size + k] = c;
        squaredNorm += (double) c * c;
      }
      start[k] = (float) (-0.5 * squaredNorm);
    }
    graph.constant("Ct" + level, transposed, 0, dim, size);
    if (book.metric() == Metric.COSINE) {
      graph.node("MatMul", "scores" + level, residual, "Ct" + level);
    } else {
      graph.constant("start" + level, start, 0, size);
      graph.node("Gemm", "scores" + level, residual, "Ct" + level, "start" + level);
    }
  }
}
