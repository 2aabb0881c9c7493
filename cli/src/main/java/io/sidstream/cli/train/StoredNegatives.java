package io.sidstream.cli.train;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.model.evaluate.LeaveOneOut;
import io.sidstream.model.file.Npy;
import io.sidstream.model.file.Sha256;
import io.sidstream.model.math.Rng;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The sampled protocol's negatives, drawn once from a seed of their own, so that every variant and
 * every seed of training meets the same. In a file: int32 [2, users, 99], validation first, -1
 * where there are fewer.
 *
 * @param validation per user the negatives of its validation target
 * @param test per user the negatives of its test target
 */
public record StoredNegatives(int[][] validation, int[][] test) {
  /** Negatives of a target, as in the paper. */
  public static final int COUNT = 99;

  /** Not the seed of training. */
  private static final long SEED = 20_250_216L;

  /** Draws. */
  static StoredNegatives draw(LeaveOneOutSplit split, int[] catalogue) {
    Rng rng = new Rng(SEED);
    return new StoredNegatives(
        LeaveOneOut.drawNegatives(
            catalogue,
            split.validationHistories,
            split.validationTargets,
            split.all,
            COUNT,
            rng.split()),
        LeaveOneOut.drawNegatives(
            catalogue, split.testHistories, split.testTargets, split.all, COUNT, rng.split()));
  }

  /**
   * Reads the file; where there is none, draws and writes it.
   *
   * @throws UsageException where the file is another data set's
   */
  static StoredNegatives at(Path file, LeaveOneOutSplit split, int[] catalogue) throws IOException {
    if (Files.exists(file)) {
      return read(file, split, catalogue.length);
    }
    StoredNegatives drawn = draw(split, catalogue);
    OutputFile.write(file, out -> Npy.write(out, drawn.flat(), 2, split.all.length, COUNT));
    return drawn;
  }

  private static StoredNegatives read(Path file, LeaveOneOutSplit split, int items)
      throws IOException {
    int users = split.all.length;
    Npy.Ints stored;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      stored = Npy.readInts(in);
    } catch (IOException e) {
      throw new UsageException("--negatives " + file + ": " + e.getMessage());
    }
    int[] shape = stored.shape();
    if (!Arrays.equals(shape, new int[] {2, users, COUNT})) {
      throw new UsageException(
          "--negatives "
              + file
              + " has shape "
              + NpyVectors.shape(shape)
              + "; this data set needs "
              + NpyVectors.shape(2, users, COUNT)
              + ": name a file that does not exist to draw anew");
    }
    StoredNegatives read = new StoredNegatives(new int[users][], new int[users][]);
    for (int u = 0; u < users; u++) {
      BitSet had = new BitSet(items);
      for (int item : split.all[u]) {
        had.set(item);
      }
      int count =
          split.validationHistories[u].length == 0 ? 0 : Math.min(COUNT, items - had.cardinality());
      String user = "of user " + u;
      read.validation[u] = row(file, stored.data(), u, count, had, items, "validation " + user);
      read.test[u] = row(file, stored.data(), users + u, count, had, items, "test " + user);
    }
    return read;
  }

  /** A row of the file: count distinct items that the user never had, then -1. */
  private static int[] row(
      Path file, int[] stored, int row, int count, BitSet had, int items, String whose) {
    BitSet refused = (BitSet) had.clone();
    int[] all = Arrays.copyOfRange(stored, row * COUNT, (row + 1) * COUNT);
    for (int i = 0; i < COUNT; i++) {
      int item = all[i];
      boolean fits = i < count ? item >= 0 && item < items && !refused.get(item) : item == -1;
      if (!fits) {
        throw new UsageException(
            "--negatives %s, %s, place %d: %d; here must be %s: the file belongs to another data set, name one that does not exist to draw anew"
                .formatted(
                    file,
                    whose,
                    i,
                    item,
                    i < count ? "an item of " + items + " that the user never had, once" : "-1"));
      }
      if (i < count) {
        refused.set(item);
      }
    }
    return Arrays.copyOf(all, count);
  }

  private int[] flat() {
    int users = validation.length;
    int[] flat = new int[2 * users * COUNT];
    Arrays.fill(flat, -1);
    for (int u = 0; u < users; u++) {
      System.arraycopy(validation[u], 0, flat, u * COUNT, validation[u].length);
      System.arraycopy(test[u], 0, flat, (users + u) * COUNT, test[u].length);
    }
    return flat;
  }

  /** SHA-256 of all of them: equal digests, the same opponents. */
  String digest() {
    int[] flat = flat();
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * flat.length);
    bytes.asIntBuffer().put(flat);
    return Sha256.hex(bytes.array());
  }
}
