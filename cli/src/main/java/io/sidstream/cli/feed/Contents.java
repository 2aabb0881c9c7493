package io.sidstream.cli.feed;

import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.data.SourceItem;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.embed.TextPieces;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How many contents the items of a data set have. Items of one content get one code tuple, whatever
 * the model: only the repair of collisions tells them apart.
 *
 * @param items items counted
 * @param distinct different contents
 * @param alone items whose content no other has
 * @param largest items of the most frequent content
 * @param example one of them, null where all are alone
 * @param cut items whose text is longer than the text model reads
 * @param cutExample one of them, null for none
 * @param maxTokens word pieces that are read
 */
public record Contents(
    int items,
    int distinct,
    int alone,
    int largest,
    String example,
    int cut,
    String cutExample,
    int maxTokens) {
  /** Texts that are taken apart together. */
  private static final int BATCH = 512;

  /** Counts the contents of a data set, as the job with a configuration reads them. */
  public static Contents of(DataSet set, NpyVectors vectors, JobConfig config) {
    int maxTokens = config.get(JobOptions.EMBED_MAX_TOKENS);
    Map<Object, int[]> counts = new HashMap<>();
    Map<Object, String> first = new HashMap<>();
    int cut = 0;
    String cutExample = null;
    List<SourceItem> texts = new ArrayList<>();
    for (SourceItem item : set.items()) {
      float[] vector = vectors != null ? vectors.row(item.row()) : item.vector();
      if (vector == null) {
        texts.add(item);
      } else {
        count(counts, first, List.of(Arrays.hashCode(vector), vector[0]), item.id());
      }
    }
    if (!texts.isEmpty()) {
      try (TextPieces pieces = new TextPieces(maxTokens)) {
        for (int from = 0; from < texts.size(); from += BATCH) {
          List<SourceItem> batch = texts.subList(from, Math.min(texts.size(), from + BATCH));
          List<TextPieces.Pieces> read = pieces.of(batch.stream().map(Contents::text).toList());
          for (int i = 0; i < batch.size(); i++) {
            count(counts, first, read.get(i).ids(), batch.get(i).id());
            if (read.get(i).cut()) {
              cut++;
              cutExample = cutExample == null ? batch.get(i).id() : cutExample;
            }
          }
        }
      }
    }
    int alone = 0;
    int largest = 0;
    String example = null;
    for (Map.Entry<Object, int[]> entry : counts.entrySet()) {
      int n = entry.getValue()[0];
      alone += n == 1 ? 1 : 0;
      if (n > largest) {
        largest = n;
        example = n > 1 ? first.get(entry.getKey()) : null;
      }
    }
    return new Contents(
        set.items().size(), counts.size(), alone, largest, example, cut, cutExample, maxTokens);
  }

  /** What the job embeds of an item. */
  private static String text(SourceItem item) {
    if (item.text() != null && !item.text().isBlank()) {
      return item.text();
    }
    return item.title() == null ? "" : item.title();
  }

  private static void count(
      Map<Object, int[]> counts, Map<Object, String> first, Object content, String item) {
    counts.computeIfAbsent(content, c -> new int[1])[0]++;
    first.putIfAbsent(content, item);
  }

  /** Share of items that can be alone in their tuple, 0..1. */
  public double possible() {
    return items == 0 ? 0 : (double) alone / items;
  }

  /** What a person is told; empty where every item has a content of its own, and no text is cut. */
  public String text() {
    StringBuilder s = new StringBuilder();
    if (distinct < items) {
      s.append(
          String.format(
              Locale.ROOT,
              "%,d items have %,d different contents for the model (%,d share one, as %s does): items of one content share a code tuple and are told apart by repair%n",
              items,
              distinct,
              largest,
              example));
    }
    if (cut > 0) {
      s.append(
          String.format(
              Locale.ROOT,
              "%,d texts are longer than embed.max-tokens = %d word pieces and are cut, as that of %s%n",
              cut,
              maxTokens,
              cutExample));
    }
    return s.toString();
  }
}
