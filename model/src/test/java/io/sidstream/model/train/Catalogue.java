package io.sidstream.model.train;

import io.sidstream.model.math.Rng;

/**
 * A synthetic catalogue: items in clusters of content, users who walk through the clusters in a
 * fixed order, so that the last item's cluster tells the next one's.
 */
public final class Catalogue {
  public static final int CLUSTERS = 12;

  public final ItemTable items;
  public final UserSequences users = new UserSequences(51);
  public final int itemCount;
  public final int userCount;

  /** A catalogue of so many items and users, each with so many events. */
  public Catalogue(JointConfig config, int itemCount, int userCount, int events, long seed) {
    this.itemCount = itemCount;
    this.userCount = userCount;
    items = JointTrainer.newItemTable(config);
    Rng rng = new Rng(seed);
    int d = config.contentDim();
    float[][] centres = new float[CLUSTERS][d];
    for (float[] c : centres) {
      for (int i = 0; i < d; i++) {
        c[i] = rng.nextGaussian();
      }
    }
    for (int item = 0; item < itemCount; item++) {
      float[] x = new float[d];
      for (int i = 0; i < d; i++) {
        x[i] = (centres[item % CLUSTERS][i] + 0.3f * rng.nextGaussian()) / (float) Math.sqrt(d);
      }
      items.put(item, x, 0);
    }
    for (int user = 0; user < userCount; user++) {
      int cluster = rng.nextInt(CLUSTERS);
      for (int e = 0; e < events; e++) {
        int item = itemOf(cluster, rng);
        users.append(user, item, e);
        items.countInteraction(item);
        cluster = (cluster + 1) % CLUSTERS;
      }
    }
  }

  /** An item of the cluster; those of low index are more popular. */
  private int itemOf(int cluster, Rng rng) {
    int each = itemCount / CLUSTERS;
    float u = rng.nextFloat();
    return (int) (u * u * each) * CLUSTERS + cluster;
  }

  /** A batch of users. */
  public int[] batch(int n, Rng rng) {
    int[] batch = new int[n];
    for (int i = 0; i < n; i++) {
      batch[i] = rng.nextInt(userCount);
    }
    return batch;
  }
}
