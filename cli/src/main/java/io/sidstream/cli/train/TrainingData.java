package io.sidstream.cli.train;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.data.SourceItem;
import io.sidstream.cli.embed.TextVectors;
import io.sidstream.model.file.Sha256;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * A data set by dense index: items in their order in the data set, users in order of their first
 * event, events in order of time.
 *
 * @param name what it is, for people
 * @param digest SHA-256 of what it was read from
 * @param itemIds [items] name of each item
 * @param contentDim width of a content vector, D_x; 1 without vectors
 * @param content [items, contentDim]; zeros without vectors
 * @param vectorsDigest SHA-256 of content; empty without vectors
 * @param users number of users
 * @param user [events] user of each event
 * @param item [events] item of each event
 * @param time [events] milliseconds since the epoch, ascending
 */
public record TrainingData(
    String name,
    String digest,
    List<String> itemIds,
    int contentDim,
    float[] content,
    String vectorsDigest,
    int users,
    int[] user,
    int[] item,
    long[] time) {

  /**
   * Joins a data set with its vectors.
   *
   * @param vectors content vectors, or null for none
   * @throws UsageException where an item has no row, or a row is not finite
   */
  public static TrainingData of(DataSet set, NpyVectors vectors) {
    int n = set.items().size();
    int dim = vectors == null ? 1 : vectors.dim();
    if ((long) n * dim > Integer.MAX_VALUE - 8) {
      throw new UsageException(
          n + " items of " + dim + " numbers are more than an array holds; use --max-items");
    }
    float[] content = new float[n * dim];
    if (vectors != null) {
      float[] row = new float[dim];
      for (int i = 0; i < n; i++) {
        SourceItem item = set.items().get(i);
        if (item.row() >= vectors.rows()) {
          throw new UsageException(
              String.format(
                  "--vectors of shape %s: item %s of --data needs row %d (its idx is %d); give the vectors of this data set",
                  NpyVectors.shape(vectors.rows(), dim), item.id(), item.row(), item.row() + 1));
        }
        vectors.read(item.row(), 1, row);
        System.arraycopy(row, 0, content, i * dim, dim);
      }
    }
    return of(set, dim, content, vectors != null);
  }

  /**
   * Joins a data set with vectors in the order of its items.
   *
   * @throws UsageException where a number is not finite
   */
  static TrainingData of(DataSet set, TextVectors vectors) {
    float[] data = vectors.data();
    for (int i = 0; i < data.length; i++) {
      if (!Float.isFinite(data[i])) {
        throw new UsageException(
            "the vector of item %s of --data has a number that is not finite"
                .formatted(set.items().get(i / vectors.dim()).id()));
      }
    }
    return of(set, vectors.dim(), data, true);
  }

  private static TrainingData of(DataSet set, int dim, float[] content, boolean given) {
    Map<String, Integer> index = new HashMap<>();
    int[] user = new int[set.interactions()];
    for (int e = 0; e < user.length; e++) {
      user[e] = index.computeIfAbsent(set.user()[e], name -> index.size());
    }
    return new TrainingData(
        set.name(),
        set.digest(),
        set.items().stream().map(SourceItem::id).toList(),
        dim,
        content,
        given ? digest(content, dim) : "",
        index.size(),
        user,
        set.item(),
        set.time());
  }

  /** Of the numbers, little-endian, row by row. */
  private static String digest(float[] content, int dim) {
    MessageDigest digest = Sha256.start();
    ByteBuffer row = ByteBuffer.allocate(dim * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < content.length; at += dim) {
      row.asFloatBuffer().put(content, at, dim);
      digest.update(row.array());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Number of items. */
  public int items() {
    return itemIds.size();
  }

  /** Number of events. */
  public int events() {
    return item.length;
  }

  /** A copy of an item's content vector. */
  public float[] vector(int index) {
    return Arrays.copyOfRange(content, index * contentDim, (index + 1) * contentDim);
  }

  /** Per user the items, oldest first. */
  public int[][] sequences() {
    int[] count = new int[users];
    for (int u : user) {
      count[u]++;
    }
    int[][] sequences = new int[users][];
    Arrays.setAll(sequences, u -> new int[count[u]]);
    Arrays.fill(count, 0);
    for (int e = 0; e < item.length; e++) {
      sequences[user[e]][count[user[e]]++] = item[e];
    }
    return sequences;
  }
}
