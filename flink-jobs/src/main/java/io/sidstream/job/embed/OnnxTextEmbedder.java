package io.sidstream.job.embed;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import ai.onnxruntime.TensorInfo;
import io.sidstream.job.config.JobOptions.EmbedPooling;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A {@link TextModel} by ONNX Runtime, in this process; its vectors have norm 1.
 *
 * <p>Texts of like length run together, so that little is computed on padding. A model that is
 * quantized dynamically takes the scale of its activations from everything it runs on, so there
 * each text runs alone: a vector must not depend on its batch.
 *
 * @see <a href="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2">The bundled
 *     model</a>
 */
public final class OnnxTextEmbedder implements TextEmbedder {
  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";
  private static final String TYPES = "token_type_ids";

  /** Part of the names of the operators that quantize activations while they run. */
  private static final byte[] DYNAMIC = "DynamicQuantize".getBytes(StandardCharsets.US_ASCII);

  private final EmbedPooling pooling;
  private final HuggingFaceTokenizer tokenizer;
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final String output;
  private final boolean together;

  /**
   * Loads the model and optimises its graph; takes about a second.
   *
   * @param threads threads of one run
   * @throws IllegalStateException saying what is wrong with the model or its tokenizer
   */
  public OnnxTextEmbedder(TextModel model, int threads) {
    pooling = model.pooling();
    byte[] weights = model.weights();
    together = !contains(weights, DYNAMIC);
    tokenizer = tokenizer(model);
    OrtSession loaded = null;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(OptLevel.ALL_OPT);
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      // Threads that wait for work must not take a processor from the job.
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      loaded = environment.createSession(weights, options);
      output = output(loaded);
    } catch (OrtException e) {
      close(loaded);
      throw new IllegalStateException("the text model cannot be loaded: " + e.getMessage(), e);
    } catch (IllegalStateException e) {
      close(loaded);
      throw e;
    }
    session = loaded;
  }

  private static HuggingFaceTokenizer tokenizer(TextModel model) {
    byte[] words = model.tokenizer();
    TokenizerLibrary.load();
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(words),
          Map.of(
              "padding",
              "false",
              "truncation",
              "true",
              "maxLength",
              String.valueOf(model.maxTokens())));
    } catch (IOException e) {
      throw new UncheckedIOException("the tokenizer cannot be read", e);
    } catch (RuntimeException e) {
      throw new IllegalStateException("the tokenizer cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * The output to take vectors from, by its rank: states of word pieces {@code [texts, length,
   * dim]} to pool, or vectors {@code [texts, dim]}. Checks the inputs, too.
   */
  private String output(OrtSession loaded) throws OrtException {
    Set<String> known = Set.of(IDS, MASK, TYPES);
    if (!known.containsAll(loaded.getInputNames()) || !loaded.getInputNames().contains(IDS)) {
      throw new IllegalStateException(
          "the text model has the inputs "
              + loaded.getInputNames()
              + "; expected "
              + IDS
              + ", and no other than "
              + MASK
              + " and "
              + TYPES);
    }
    int rank = pooling == EmbedPooling.NONE ? 2 : 3;
    List<String> shapes = new ArrayList<>();
    for (NodeInfo node : loaded.getOutputInfo().values()) {
      long[] shape = node.getInfo() instanceof TensorInfo tensor ? tensor.getShape() : new long[0];
      if (shape.length == rank) {
        return node.getName();
      }
      shapes.add(node.getName() + " " + Arrays.toString(shape));
    }
    throw new IllegalStateException(
        "the text model has the outputs "
            + shapes
            + " (-1 is any size), none of "
            + rank
            + " dimensions; set embed.pooling to "
            + (rank == 2 ? "mean or cls" : "none")
            + ", or export the model with another output");
  }

  private static boolean contains(byte[] bytes, byte[] part) {
    for (int i = 0; i + part.length <= bytes.length; i++) {
      if (bytes[i] == part[0] && Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
        return true;
      }
    }
    return false;
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
    long[] words = new long[n * length];
    long[] mask = new long[n * length];
    for (int r = 0; r < n; r++) {
      long[] row = ids[rows.get(r)];
      System.arraycopy(row, 0, words, r * length, row.length);
      Arrays.fill(mask, r * length, r * length + row.length, 1);
    }
    Map<String, long[]> values = Map.of(IDS, words, MASK, mask, TYPES, new long[n * length]);
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      for (String input : session.getInputNames()) {
        LongBuffer buffer = LongBuffer.wrap(values.get(input));
        inputs.put(input, OnnxTensor.createTensor(environment, buffer, new long[] {n, length}));
      }
      try (OrtSession.Result result = session.run(inputs, Set.of(output))) {
        OnnxTensor tensor = (OnnxTensor) result.get(0);
        long[] shape = tensor.getInfo().getShape();
        int dim = Math.toIntExact(shape[shape.length - 1]);
        FloatBuffer states = tensor.getFloatBuffer();
        for (int r = 0; r < n; r++) {
          int firstRow = pooling == EmbedPooling.NONE ? r : r * length;
          int count = pooling == EmbedPooling.MEAN ? ids[rows.get(r)].length : 1;
          vectors[rows.get(r)] = pool(states, dim, firstRow, count);
        }
      }
    } catch (OrtException e) {
      throw new IllegalStateException(
          n + " texts of " + length + " word pieces cannot be embedded: " + e.getMessage(), e);
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  /** The mean of {@code count} rows of {@code [rows, dim]}, at norm 1. */
  private static float[] pool(FloatBuffer states, int dim, int firstRow, int count) {
    float[] sum = new float[dim];
    float[] row = new float[dim];
    for (int i = 0; i < count; i++) {
      states.get((firstRow + i) * dim, row);
      for (int d = 0; d < dim; d++) {
        sum[d] += row[d];
      }
    }
    double square = 0;
    for (float v : sum) {
      square += (double) v * v;
    }
    float scale = (float) (1 / Math.sqrt(square));
    for (int d = 0; d < dim; d++) {
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

  private void close(OrtSession loaded) {
    tokenizer.close();
    if (loaded != null) {
      try {
        loaded.close();
      } catch (OrtException e) {
        // What was wrong before is thrown.
        return;
      }
    }
  }
}
