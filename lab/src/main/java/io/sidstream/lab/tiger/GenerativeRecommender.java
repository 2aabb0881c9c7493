package io.sidstream.lab.tiger;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.recommend.TransformerStack;
import io.sidstream.model.recommend.TransformerStack.Kind;
import io.sidstream.model.recommend.Weights;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * An encoder-decoder transformer over code tuples. The encoder reads the codes of a user's items,
 * oldest first; the decoder, shown a start token and the codes so far, gives the logits of the next
 * code: h_l of the decoder at place l of the tuple, W_l h_l + b_l over the codes of that place.
 * Loss: the mean cross-entropy of the target's codes (teacher forcing).
 *
 * <p>What differs from TIGER (which is a T5): LayerNorm after each sublayer, learnt positions
 * instead of relative ones, exact GELU, heads that divide D, a softmax over the codes of the place
 * rather than over all tokens, no user token. Histories are packed, without padding.
 *
 * <p>Arrays that methods return belong to this object and hold until its next call. Not
 * thread-safe.
 */
public final class GenerativeRecommender {
  private final GeneratorShape shape;
  private final int dim;
  private final int depth;

  /** By place of a tuple, the first of its tokens; the token after all is the start. */
  private final int[] base;

  private final int start;
  private final int outputs;
  private final int biases;
  private final Weights weights;
  private final TransformerStack encoder;
  private final TransformerStack decoder;

  private int[] historyTokens = {};
  private int[] historyOffsets = {0};
  private int[] inputTokens = {};
  private int[] inputOffsets = {0};
  private float[] historyIn = {};
  private float[] in = {};
  private float[] dh = {};
  private float[] logits = {};

  /** Weights from N(0, 0.02), biases 0, LayerNorm at identity. */
  public GenerativeRecommender(GeneratorShape shape, Rng rng) {
    this.shape = shape;
    dim = shape.dim();
    depth = shape.depth();
    base = new int[depth];
    for (int l = 1; l < depth; l++) {
      base[l] = base[l - 1] + shape.codes().get(l - 1);
    }
    start = shape.vocabulary();
    int encoderAt = (start + 1) * dim;
    int decoderAt = encoderAt + TransformerStack.size(shape.encoder(), Kind.ENCODER);
    outputs = decoderAt + TransformerStack.size(shape.decoder(), Kind.DECODER);
    biases = outputs + start * dim;
    weights = new Weights(biases + start);
    encoder = new TransformerStack(shape.encoder(), Kind.ENCODER, weights, encoderAt);
    decoder = new TransformerStack(shape.decoder(), Kind.DECODER, weights, decoderAt);
    weights.normal(rng, 0, encoderAt);
    encoder.initialise(weights, rng);
    decoder.initialise(weights, rng);
    weights.normal(rng, outputs, start * dim);
  }

  /** The sizes. */
  public GeneratorShape shape() {
    return shape;
  }

  /**
   * All weights, flat: token embeddings [codes + 1, D], encoder, decoder, output weights [codes, D]
   * and biases [codes]. Live.
   */
  public float[] parameters() {
    return weights.values();
  }

  /** The gradient of {@link #parameters()} that the last {@link #learn} left. Live. */
  public float[] gradients() {
    return weights.gradients();
  }

  /**
   * Reads histories, without dropout, for {@link #decode}.
   *
   * @param codes tuples of the items, history after history [offsets[count], depth]
   * @param offsets items where histories begin, and where the last ends; none is empty or longer
   *     than maxItems
   */
  public void encode(int[] codes, int[] offsets, int count) {
    encoder.evaluate();
    decoder.evaluate();
    read(codes, offsets, count);
  }

  private void read(int[] codes, int[] offsets, int count) {
    int items = offsets[count];
    if (historyOffsets.length <= count) {
      historyOffsets = new int[2 * count + 1];
    }
    for (int b = 0; b <= count; b++) {
      int n = b == 0 ? 1 : offsets[b] - offsets[b - 1];
      if (n < 1 || n > shape.maxItems()) {
        throw new IllegalArgumentException(
            "history "
                + (b - 1)
                + " has "
                + n
                + " items; it must have 1 to maxItems="
                + shape.maxItems()
                + ", so leave it out or cut it");
      }
      historyOffsets[b] = offsets[b] * depth;
    }
    historyTokens = grown(historyTokens, items * depth);
    for (int i = 0; i < items * depth; i++) {
      historyTokens[i] = token(codes[i], i % depth);
    }
    historyIn = grown(historyIn, items * depth * dim);
    Kernels.gatherRows(parameters(), 0, dim, historyTokens, items * depth, historyIn, 0);
    decoder.attendTo(
        encoder.forward(historyIn, historyOffsets, count, null), historyOffsets, count);
  }

  private int token(int code, int place) {
    if (code < 0 || code >= shape.codes().get(place)) {
      throw new IllegalArgumentException(
          "code "
              + code
              + " at place "
              + place
              + " of a tuple; there are "
              + shape.codes().get(place)
              + " there");
    }
    return base[place] + code;
  }

  /**
   * Log-probabilities of the next code.
   *
   * @param prefixes codes so far, prefix after prefix [n, length]
   * @param length codes so far, 0 to depth - 1
   * @param history for each prefix the number of the history that it goes on, of the last {@link
   *     #encode}
   * @return [n, codes of the place]
   */
  public float[] decode(int[] prefixes, int length, int n, int[] history) {
    float[] h = decoder(prefixes, length, length + 1, n, history);
    int k = shape.codes().get(length);
    logits = grown(logits, n * k);
    logits(h, length, length + 1, n, logits);
    for (int r = 0; r < n; r++) {
      int at = r * k;
      float max = Float.NEGATIVE_INFINITY;
      for (int c = at; c < at + k; c++) {
        max = Math.max(max, logits[c]);
      }
      double sum = 0;
      for (int c = at; c < at + k; c++) {
        sum += Kernels.exp(logits[c] - max);
      }
      float normaliser = max + (float) StrictMath.log(sum);
      for (int c = at; c < at + k; c++) {
        logits[c] -= normaliser;
      }
    }
    return logits;
  }

  /** Hidden states [n, inputs, D] of a start token and the first inputs - 1 codes of each tuple. */
  private float[] decoder(int[] codes, int stride, int inputs, int n, int[] history) {
    inputTokens = grown(inputTokens, n * inputs);
    if (inputOffsets.length <= n) {
      inputOffsets = new int[2 * n + 1];
    }
    for (int r = 0; r < n; r++) {
      inputOffsets[r + 1] = (r + 1) * inputs;
      inputTokens[r * inputs] = start;
      for (int l = 1; l < inputs; l++) {
        inputTokens[r * inputs + l] = token(codes[r * stride + l - 1], l - 1);
      }
    }
    in = grown(in, n * inputs * dim);
    Kernels.gatherRows(parameters(), 0, dim, inputTokens, n * inputs, in, 0);
    return decoder.forward(in, inputOffsets, n, history);
  }

  /** out [n, codes of the place] = W_l h_l + b_l, h_l at place l of h [n, inputs, D]. */
  private void logits(float[] h, int place, int inputs, int n, float[] out) {
    int k = shape.codes().get(place);
    Kernels.fillRows(parameters(), biases + base[place], n, k, out, 0);
    Blas.gemm(
        false,
        true,
        n,
        k,
        dim,
        1f,
        h,
        place * dim,
        inputs * dim,
        parameters(),
        outputs + base[place] * dim,
        dim,
        1f,
        out,
        0,
        k);
  }

  /**
   * Loss and {@link #gradients()} of a batch, with dropout masks that are a function of seed and
   * step alone.
   *
   * @param codes as in {@link #encode}
   * @param targets the target's tuple of each history [count, depth]
   * @return the mean loss of a code; 0 for no histories
   */
  public double learn(int[] codes, int[] offsets, int count, int[] targets, long seed, long step) {
    weights.clearGradients();
    if (count == 0) {
      return 0;
    }
    encoder.train(seed, step);
    decoder.train(~seed, step);
    read(codes, offsets, count);
    float[] h = decoder(targets, depth, depth, count, null);
    dh = grown(dh, count * depth * dim);
    double loss = 0;
    for (int l = 0; l < depth; l++) {
      loss += place(h, l, targets, count);
    }
    float[] dIn = decoder.backward(dh);
    Kernels.scatterAddRows(dIn, 0, dim, inputTokens, count * depth, gradients(), 0);
    float[] dHistory = encoder.backward(decoder.memoryGradient());
    Kernels.scatterAddRows(dHistory, 0, dim, historyTokens, offsets[count] * depth, gradients(), 0);
    return loss;
  }

  /** The part of one place of the tuple in the loss, and its gradients. */
  private double place(float[] h, int place, int[] targets, int n) {
    int k = shape.codes().get(place);
    float weight = 1f / (n * depth);
    logits = grown(logits, n * k);
    logits(h, place, depth, n, logits);
    double loss = 0;
    for (int r = 0; r < n; r++) {
      int own = r * k + targets[r * depth + place];
      token(targets[r * depth + place], place);
      float logit = logits[own];
      loss += Kernels.softmax(logits, r * k, k) - logit;
      Kernels.scale(weight, logits, r * k, k);
      logits[own] -= weight;
    }
    Blas.gemm(
        false,
        false,
        n,
        dim,
        k,
        1f,
        logits,
        0,
        k,
        parameters(),
        outputs + base[place] * dim,
        dim,
        0f,
        dh,
        place * dim,
        depth * dim);
    Blas.gemm(
        true,
        false,
        k,
        dim,
        n,
        1f,
        logits,
        0,
        k,
        h,
        place * dim,
        depth * dim,
        0f,
        gradients(),
        outputs + base[place] * dim,
        dim);
    Kernels.addColumnSums(logits, 0, n, k, gradients(), biases + base[place]);
    return loss * weight;
  }

  /** One step of Adam along {@link #gradients()}. */
  public void adamStep(float learningRate) {
    weights.adamStep(learningRate);
  }

  /** Weights, Adam's moments and step count. */
  public void writeState(DataOutput out) throws IOException {
    weights.writeState(out);
  }

  /** Replaces what {@link #writeState} wrote; the shape must be the same. */
  public void readState(DataInput in) throws IOException {
    weights.readState(in, shape);
  }

  private static float[] grown(float[] a, int n) {
    return a.length >= n ? a : new float[n + n / 4];
  }

  private static int[] grown(int[] a, int n) {
    return a.length >= n ? a : Arrays.copyOf(a, n + n / 4);
  }
}
