package io.sidstream.model.learn;

import io.sidstream.model.learn.RoundResult.Embedding;
import io.sidstream.model.learn.RoundResult.Figures;
import io.sidstream.model.learn.RoundResult.Level;
import io.sidstream.model.learn.RoundResult.Weights;
import io.sidstream.model.quantize.CodebookAverages;
import io.sidstream.model.quantize.CodebookLearner;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.train.ItemTable;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * What the shards' rounds come to together (local SGD: every shard learns from its own users, then
 * all go on from the mean).
 *
 * <ul>
 *   <li>Dense parameters: the mean over the shards that took steps.
 *   <li>Codebooks: the mean of their moving counts and sums. Both are linear in the batches, so
 *       this is the moving average of the pooled batches; a codeword is made of them as {@link
 *       CodebookLearner} makes it. One that a shard re-seeded in the round has an average of its
 *       own there, which the others know nothing of: the lowest such shard's is taken whole.
 *   <li>An ID embedding: what the shards moved it by, added up, as far as that is no more steps
 *       than a shard took, and that share of it where it is: rows that few users have are moved by
 *       few steps wherever these are taken, while those of everybody move in every step of every
 *       shard. In the bootstrap, and of an item that is new to one of them, the mean over the
 *       shards that changed it. A shard that says that the item is gone outvotes the others, which
 *       had not heard of it yet: what they learnt is of its earlier life.
 *   <li>Figures: sums; of the items, which every shard knows, the most.
 *   <li>Evaluations: {@link Evaluation#join}, with the merged ID embeddings.
 * </ul>
 *
 * <p>Means are summed in double in the order of the shards, so the bits depend on nothing else. One
 * result is its own merge, the same object.
 */
public final class ShardMerge {
  private ShardMerge() {}

  /**
   * Merges the results of one round.
   *
   * @param results one a shard, in ascending order of the shards; never empty
   * @param metrics of the levels
   * @return under the number of the lowest shard; without weights where no shard took a step
   * @throws IllegalArgumentException for results of several rounds, or not in order of shards
   */
  public static RoundResult merge(List<RoundResult> results, List<Metric> metrics) {
    if (results.isEmpty()) {
      throw new IllegalArgumentException("no results: a merge takes those of one shard or more");
    }
    RoundResult first = results.get(0);
    if (results.size() == 1) {
      return first;
    }
    Figures figures = first.figures();
    for (int i = 1; i < results.size(); i++) {
      RoundResult r = results.get(i);
      if (r.round() != first.round() || r.shard() <= results.get(i - 1).shard()) {
        throw new IllegalArgumentException(
            "result %d is of shard %d and round %d, after shard %d and round %d: a merge takes the results of one round in ascending order of the shards"
                .formatted(
                    i,
                    r.shard(),
                    r.round(),
                    results.get(i - 1).shard(),
                    results.get(i - 1).round()));
      }
      figures = figures.plus(r.figures());
    }
    List<Embedding> embeddings = embeddings(results);
    return new RoundResult(
        first.shard(),
        first.round(),
        figures,
        weights(of(stepped(results), RoundResult::weights), metrics),
        embeddings,
        evaluation(of(results, RoundResult::evaluation), embeddings));
  }

  /** Those that took steps; all, where none did. */
  private static List<RoundResult> stepped(List<RoundResult> results) {
    List<RoundResult> stepped = results.stream().filter(r -> r.figures().steps() > 0).toList();
    return stepped.isEmpty() ? results : stepped;
  }

  private static <T> List<T> of(List<RoundResult> results, Function<RoundResult, T> part) {
    return results.stream().map(part).filter(Objects::nonNull).toList();
  }

  private static Weights weights(List<Weights> all, List<Metric> metrics) {
    if (all.size() < 2) {
      return all.isEmpty() ? null : all.get(0);
    }
    List<Level> levels = new ArrayList<>();
    for (int l = 0; l < all.get(0).levels().size(); l++) {
      int level = l;
      levels.add(level(metrics.get(l), all.stream().map(w -> w.levels().get(level)).toList()));
    }
    return new Weights(
        mean(all.stream().map(Weights::recommender).toList()),
        mean(all.stream().map(Weights::semanticRecommender).toList()),
        mean(all.stream().map(Weights::quantizer).toList()),
        levels);
  }

  private static Level level(Metric metric, List<Level> all) {
    Level first = all.get(0);
    float[] counts = mean(all.stream().map(Level::counts).toList());
    float[] sums = mean(all.stream().map(Level::sums).toList());
    float[] codewords = first.codewords().clone();
    int dim = sums.length / counts.length;
    BitSet since = new BitSet();
    BitSet here = new BitSet();
    for (Level shard : all) {
      for (int k = shard.reseededHere().nextSetBit(0);
          k >= 0;
          k = shard.reseededHere().nextSetBit(k + 1)) {
        if (!here.get(k)) {
          counts[k] = shard.counts()[k];
          System.arraycopy(shard.sums(), k * dim, sums, k * dim, dim);
          System.arraycopy(shard.codewords(), k * dim, codewords, k * dim, dim);
        }
      }
      here.or(shard.reseededHere());
      since.or(shard.reseeded());
    }
    CodebookLearner.placeCodewords(metric, new CodebookAverages(counts, sums, codewords), here);
    return new Level(counts, sums, codewords, since, here);
  }

  private static List<Embedding> embeddings(List<RoundResult> results) {
    Map<String, List<Embedding>> changes = new LinkedHashMap<>();
    for (RoundResult r : results) {
      for (Embedding change : r.embeddings()) {
        changes.computeIfAbsent(change.item(), item -> new ArrayList<>()).add(change);
      }
    }
    long steps = results.stream().mapToLong(r -> r.figures().steps()).max().orElse(0);
    List<Embedding> merged = new ArrayList<>(changes.size());
    changes.forEach((item, all) -> merged.add(new Embedding(item, embedding(all, steps))));
    return merged;
  }

  /**
   * One from all that changed it.
   *
   * @param steps steps that a shard took in the round
   */
  private static float[] embedding(List<Embedding> all, long steps) {
    if (all.stream().anyMatch(change -> change.e() == null)) {
      return null;
    }
    float[] mean = mean(all.stream().map(Embedding::e).toList());
    if (all.size() == 1 || all.stream().anyMatch(change -> change.start() == null)) {
      return mean;
    }
    float[] start = mean(all.stream().map(Embedding::start).toList());
    long moves = all.stream().mapToLong(Embedding::steps).sum();
    double times = all.size() * Math.min(1.0, (double) steps / moves);
    float[] added = new float[mean.length];
    for (int i = 0; i < added.length; i++) {
      added[i] = (float) (start[i] + times * (mean[i] - start[i]));
    }
    return added;
  }

  /** The mean, number by number; of one array, itself. */
  private static float[] mean(List<float[]> all) {
    float[] first = all.get(0);
    if (all.size() == 1) {
      return first;
    }
    for (float[] a : all) {
      if (a.length != first.length) {
        throw new IllegalArgumentException(
            "shards' arrays of %d and %d numbers have no mean: their configurations differ"
                .formatted(first.length, a.length));
      }
    }
    float[] mean = new float[first.length];
    for (int i = 0; i < mean.length; i++) {
      double sum = 0;
      for (float[] a : all) {
        sum += a[i];
      }
      mean[i] = (float) (sum / all.size());
    }
    return mean;
  }

  private static Evaluation evaluation(List<Evaluation> all, List<Embedding> embeddings) {
    if (all.isEmpty()) {
      return null;
    }
    Evaluation joined = Evaluation.join(all);
    if (all.size() > 1) {
      ItemTable items = joined.items();
      Map<Long, Integer> rows = joined.rowsByKey();
      int d = items.idDim();
      for (Embedding change : embeddings) {
        Integer row = rows.get(LearnPlan.hash(change.item()));
        if (row != null) {
          float[] e = change.e() == null ? new float[d] : change.e();
          System.arraycopy(e, 0, items.id(), row * d, d);
        }
      }
    }
    return joined;
  }
}
