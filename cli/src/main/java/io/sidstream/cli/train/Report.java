package io.sidstream.cli.train;

import io.sidstream.model.evaluate.LeaveOneOut;
import io.sidstream.model.evaluate.RankingMetrics;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.Quality;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Figures as the JSON names them. */
public final class Report {
  /** Width of an ID-only model's embeddings: what the item table is compared with, as the paper. */
  static final int ID_ONLY_DIM = 64;

  private Report() {}

  /** A value as it is typed. */
  public static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** hr1, hr5, hr10, hr20, ndcg5, ndcg10, ndcg20, mrr, and the number of rankings. */
  public static Map<String, Object> metrics(RankingMetrics m) {
    Map<String, Object> out = new LinkedHashMap<>();
    for (int k : new int[] {1, 5, 10, 20}) {
      out.put("hr" + k, m.hr(k));
    }
    for (int k : new int[] {5, 10, 20}) {
      out.put("ndcg" + k, m.ndcg(k));
    }
    out.put("mrr", m.mrr());
    out.put("count", m.count());
    return out;
  }

  /** Both protocols for the targets of each part of the catalogue. */
  static Map<String, Object> byPart(
      LeaveOneOut.Result result, int[] targets, LeaveOneOutSplit.Part[] parts) {
    Map<LeaveOneOutSplit.Part, RankingMetrics[]> counted =
        new EnumMap<>(LeaveOneOutSplit.Part.class);
    for (LeaveOneOutSplit.Part part : LeaveOneOutSplit.Part.values()) {
      counted.put(part, new RankingMetrics[] {new RankingMetrics(), new RankingMetrics()});
    }
    for (int u = 0; u < targets.length; u++) {
      RankingMetrics[] both = counted.get(parts[targets[u]]);
      if (!Double.isNaN(result.sampledRanks[u])) {
        both[0].add(result.sampledRanks[u]);
      }
      if (!Double.isNaN(result.fullRanks[u])) {
        both[1].add(result.fullRanks[u]);
      }
    }
    Map<String, Object> out = new LinkedHashMap<>();
    counted.forEach(
        (part, both) -> {
          Map<String, Object> one = new LinkedHashMap<>();
          one.put("sampled", metrics(both[0]));
          one.put("full", metrics(both[1]));
          out.put(part.name().toLowerCase(Locale.ROOT), one);
        });
    return out;
  }

  /**
   * levels, distinctTuples (different tuples over items, as the paper counts), aloneInTuple (share
   * of items whose tuple no other has), largestCollision, reconstructionMse and collapse; nulls
   * without one.
   */
  public static Map<String, Object> quality(Quality q, JointConfig config) {
    Map<String, Object> out = new LinkedHashMap<>();
    List<Map<String, Object>> levels = new ArrayList<>();
    if (q != null) {
      for (int l = 0; l < q.utilisation().length; l++) {
        Map<String, Object> level = new LinkedHashMap<>();
        level.put("utilisation", q.utilisation()[l]);
        level.put("perplexity", q.perplexity()[l]);
        levels.add(level);
      }
    }
    out.put("levels", levels);
    out.put("distinctTuples", q == null ? null : q.distinctTuples());
    out.put("aloneInTuple", q == null ? null : q.aloneInTuple());
    out.put("largestCollision", q == null ? null : q.largestCollision());
    out.put("reconstructionMse", q == null ? null : q.reconstruction());
    out.put("collapse", q == null ? List.of() : Collapse.of(q, config.codewords()));
    return out;
  }

  /**
   * Parameters that stand for the items, as the paper counts them: the ID embeddings and the
   * codebooks.
   */
  static long itemTableParameters(JointConfig config, int items) {
    long id = config.hasId() ? (long) items * config.idDim() : 0;
    long codebooks =
        config.hasSemantic()
            ? (long) config.levels() * config.codewords() * config.semanticDim()
            : 0;
    return id + codebooks;
  }

  /** 1 - parameters / those of ID embeddings of {@value #ID_ONLY_DIM} dimensions. */
  static double itemTableReduction(JointConfig config, int items) {
    return 1 - (double) itemTableParameters(config, items) / ((double) items * ID_ONLY_DIM);
  }
}
