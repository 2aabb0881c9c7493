package io.sidstream.model.recommend;

import io.sidstream.model.math.Rng;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * SASRec (Kang and McAuley, ICDM 2018) as S3-Rec (Zhou et al., CIKM 2020) fine-tunes it:
 * representations plus position embedding, LayerNorm, dropout, then blocks of causal self-attention
 * and an exact-GELU feed-forward layer, each with dropout, a residual and LayerNorm after it: a
 * causal {@link TransformerStack}.
 *
 * <p>Sequences are packed: the rows of all sequences follow one another without padding, sequence b
 * is rows [offsets[b], offsets[b + 1]). The last row of a sequence has the last position index (row
 * t of n has position maxLen - n + t), so that the results are those of the padded, right-aligned
 * original.
 *
 * <p>Arrays that methods return belong to this object and hold until its next call. Not
 * thread-safe.
 */
public final class SequenceRecommender {
  private final RecommenderShape shape;
  private final Weights weights;
  private final TransformerStack stack;

  /** Weights and positions from N(0, 0.02), biases 0, LayerNorm at identity. */
  public SequenceRecommender(RecommenderShape shape, Rng rng) {
    this(shape, new Weights(size(shape)));
    stack.initialise(weights, rng);
  }

  private SequenceRecommender(RecommenderShape shape, Weights weights) {
    this.shape = shape;
    this.weights = weights;
    stack = new TransformerStack(shape, TransformerStack.Kind.CAUSAL, weights, 0);
  }

  /**
   * One of given weights, at the start of training.
   *
   * @param parameters as {@link #parameters()} of a recommender of the same shape; copied
   * @throws IllegalArgumentException where the shape has another number of weights
   */
  public static SequenceRecommender of(RecommenderShape shape, float[] parameters) {
    int size = size(shape);
    if (parameters.length != size) {
      throw new IllegalArgumentException(
          shape + " has " + size + " weights; " + parameters.length + " are given");
    }
    Weights weights = new Weights(size);
    System.arraycopy(parameters, 0, weights.values(), 0, size);
    return new SequenceRecommender(shape, weights);
  }

  /**
   * Number of weights of a shape.
   *
   * @throws ArithmeticException where there are more than an array holds
   */
  public static int size(RecommenderShape shape) {
    return TransformerStack.size(shape, TransformerStack.Kind.CAUSAL);
  }

  /** One of the same weights for another thread, which may call {@link #forward} on it. */
  public SequenceRecommender twin() {
    return new SequenceRecommender(shape, weights);
  }

  /** The sizes. */
  public RecommenderShape shape() {
    return shape;
  }

  /** All weights, flat: positions [maxLen, D], LayerNorm, then block by block. Live. */
  public float[] parameters() {
    return weights.values();
  }

  /** The gradient of {@link #parameters()} that the last backward left. Live. */
  public float[] gradients() {
    return weights.gradients();
  }

  /**
   * Hidden states without dropout.
   *
   * @param s representations [offsets[sequences], D]
   * @param offsets where sequences begin, and where the last ends; first 0, never falling
   * @return h [offsets[sequences], D]
   */
  public float[] forward(float[] s, int[] offsets, int sequences) {
    stack.evaluate();
    return stack.forward(s, offsets, sequences, null);
  }

  /** As {@link #forward}, with dropout masks that are a function of seed and step alone. */
  public float[] forwardTrain(float[] s, int[] offsets, int sequences, long seed, long step) {
    stack.train(seed, step);
    return stack.forward(s, offsets, sequences, null);
  }

  /**
   * Gradients of the last forward. {@link #gradients()} is overwritten.
   *
   * @param dh gradient of the hidden states [rows, D]
   * @return the gradient of the representations [rows, D]
   */
  public float[] backward(float[] dh) {
    weights.clearGradients();
    return stack.backward(dh);
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
}
