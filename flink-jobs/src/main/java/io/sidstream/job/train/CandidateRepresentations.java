package io.sidstream.job.train;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Items as they would be served if a candidate became the version in use. */
final class CandidateRepresentations implements Representations {
  private final TokenizerModel tokenizer;
  private final ItemTable items;
  private final JointTrainer trainer;
  private final JointConfig config;
  private final EncodeResult encoded = new EncodeResult();
  private final Map<Integer, float[]> semantic = new HashMap<>();

  CandidateRepresentations(TokenizerModel tokenizer, ItemTable items, JointTrainer trainer) {
    this.tokenizer = tokenizer;
    this.items = items;
    this.trainer = trainer;
    this.config = trainer.config();
  }

  @Override
  public int dim() {
    return config.dim();
  }

  @Override
  public List<Tower> towers() {
    return trainer.towers();
  }

  @Override
  public float temperature() {
    return trainer.temperature();
  }

  @Override
  public void fill(int[] rows, int n, float[] out) {
    int z = config.semanticDim();
    int e = config.hasId() ? config.idDim() : 0;
    for (int i = 0; i < n; i++) {
      System.arraycopy(semantic.computeIfAbsent(rows[i], this::encode), 0, out, i * dim(), z);
      System.arraycopy(items.id(), rows[i] * e, out, i * dim() + z, e);
    }
  }

  private float[] encode(int item) {
    int x = config.contentDim();
    int levels = config.levels();
    tokenizer.encode(
        Arrays.copyOfRange(items.content(), item * x, (item + 1) * x),
        1,
        Arrays.copyOfRange(items.codes(), item * levels, (item + 1) * levels),
        encoded);
    return Arrays.copyOf(encoded.z, config.semanticDim());
  }
}
