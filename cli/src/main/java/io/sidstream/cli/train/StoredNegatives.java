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
record StoredNegatives(int[][] validation, int[][] test) {
  /** Negatives of a target, as in the paper. */
  static final int COUNT = 99;

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
    int[][][] both = new int[2][users][];
    BitSet taken = new BitSet(items);
    for (int u = 0; u < users; u++) {
      taken.clear();
      for (int item : split.all[u]) {
        taken.set(item);
      }
      int expected =
          split.validationHistories[u].length == 0
              ? 0
              : Math.min(COUNT, items - taken.cardinality());
      for (int half = 0; half < 2; half++) {
        BitSet free = (BitSet) taken.clone();
        int from = (half * users + u) * COUNT;
        both[half][u] = Arrays.copyOfRange(stored.data(), from, from + expected);
        for (int i = 0; i < COUNT; i++) {
          int item = stored.data()[from + i];
          boolean fits = i < expected ? item >= 0 && item < items && !free.get(item) : item == -1;
          if (!fits) {
            throw new UsageException(
                "--negatives %s, %s of user %d, place %d: %d; here must be %s: the file belongs to another data set, name one that does not exist to draw anew"
                    .formatted(
                        file,
                        half == 0 ? "validation" : "test",
                        u,
                        i,
                        item,
                        i < expected
                            ? "an item of " + items + " that the user never had, once"
                            : "-1"));
          }
          if (i < expected) {
            free.set(item);
          }
        }
      }
    }
    return new StoredNegatives(both[0], both[1]);
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
