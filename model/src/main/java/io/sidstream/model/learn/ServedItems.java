package io.sidstream.model.learn;

import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import java.util.List;

/** Items as they are served under a tokenizer: s = [z ‖ e]. */
final class ServedItems implements Representations {
  private final JointConfig config;
  private final ItemTable items;
  private final float[] z;
  private final List<Tower> towers;

  /**
   * Representations of a table's rows.
   *
   * @param z by row [size, D_2]
   * @param towers recommenders beside the first
   */
  ServedItems(JointConfig config, ItemTable items, float[] z, List<Tower> towers) {
    this.config = config;
    this.items = items;
    this.z = z;
    this.towers = towers;
  }

  @Override
  public int dim() {
    return config.dim();
  }

  @Override
  public List<Tower> towers() {
    return towers;
  }

  @Override
  public float temperature() {
    return config.temperature();
  }

  @Override
  public void fill(int[] rows, int n, float[] out) {
    int semantic = config.semanticDim();
    int id = items.idDim();
    for (int i = 0; i < n; i++) {
      System.arraycopy(z, rows[i] * semantic, out, i * dim(), semantic);
      System.arraycopy(items.id(), rows[i] * id, out, i * dim() + semantic, id);
    }
  }
}
