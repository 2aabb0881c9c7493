package io.sidstream.cli.train;

import io.sidstream.model.file.Npy;
import io.sidstream.model.math.Rng;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A data set in files: items of several themes, whose vectors lie around the theme's, and users who
 * walk through one theme in its order, so that there is something to learn.
 */
public final class SmallCatalogue {
  /** Items. */
  public static final int ITEMS = 120;

  /** Users, of eight events each. */
  public static final int USERS = 200;

  /** Width of a vector. */
  public static final int DIM = 16;

  private static final int THEMES = 6;

  private SmallCatalogue() {}

  /** Writes items.jsonl, interactions.tsv and vectors.npy. */
  public static void write(Path folder, long seed) throws IOException {
    Rng rng = new Rng(seed);
    StringBuilder items = new StringBuilder();
    float[] vectors = new float[ITEMS * DIM];
    for (int i = 0; i < ITEMS; i++) {
      items.append(String.format("{\"item\": \"i%d\", \"idx\": %d}%n", i, i + 1));
      Rng theme = new Rng(100 + i % THEMES);
      for (int d = 0; d < DIM; d++) {
        vectors[i * DIM + d] = theme.nextGaussian() + 0.3f * rng.nextGaussian();
      }
    }
    Files.writeString(folder.resolve("items.jsonl"), items);
    StringBuilder events = new StringBuilder();
    int perTheme = ITEMS / THEMES;
    for (int u = 0; u < USERS; u++) {
      int theme = rng.nextInt(THEMES);
      int at = rng.nextInt(perTheme);
      // Half of the users come in the second half of the time.
      long time = 1_700_000_000L + u * 40_000L;
      for (int e = 0; e < 8; e++) {
        int item = theme + THEMES * ((at + e) % perTheme);
        events.append("u").append(u).append("\ti").append(item).append('\t').append(time);
        events.append('\n');
        time += 3600 + rng.nextInt(7200);
      }
    }
    Files.writeString(folder.resolve("interactions.tsv"), events);
    try (OutputStream out = Files.newOutputStream(folder.resolve("vectors.npy"))) {
      Npy.write(out, vectors, ITEMS, DIM);
    }
  }
}
