package io.sidstream.job.tokenize;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.EncodeResult;

/** The serving form of the model as {@link TokenizeOperator} uses it. */
public final class ServingEncoder implements ItemEncoder {
  private final TokenizerModel model;
  private final EncodeResult result = new EncodeResult(true);

  private ServingEncoder(TokenizerModel model) {
    this.model = model;
  }

  /** An encoder of the bytes of a {@link TokenizerModel}. */
  public static ItemEncoder load(byte[] tokenizer) {
    return new ServingEncoder(TokenizerModel.fromBytes(tokenizer));
  }

  @Override
  public int levels() {
    return model.levels();
  }

  @Override
  public int dimension() {
    return model.inputDim();
  }

  @Override
  public void encode(float[] x, int n, int[] previous) {
    model.encode(x, n, previous, result);
  }

  @Override
  public int code(int row, int level) {
    return result.codes[row * levels() + level];
  }

  @Override
  public float distance(int row, int level) {
    return result.distances[row * levels() + level];
  }

  @Override
  public float margin(int row, int level) {
    return result.margins[row * levels() + level];
  }

  @Override
  public short[] candidates(int row) {
    return result.nearestFirst(row);
  }
}
