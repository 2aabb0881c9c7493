package io.sidstream.cli.tokens;

import io.sidstream.schemas.Prequential;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tokens versions}. */
@Command(
    name = "versions",
    mixinStandardHelpOptions = true,
    description = {
      "Print one line for each version that began, was committed or was held, oldest first.",
      "Changes are of items that already had a token, per level, first level first."
    },
    footer = {
      "",
      "Examples:",
      "  sidstream tokens versions --bootstrap localhost:9092",
      "  sidstream tokens versions --revisions --json --bootstrap localhost:9092   # rounds, too, for a program",
      "",
      "Exit codes: 0 printed, 1 the topic cannot be read, 2 asked for wrongly."
    })
final class VersionsCommand implements Callable<Integer> {
  /** Records that are told one by one. */
  private static final int MOST_UNREADABLE = 3;

  @Mixin private TokensCommand.Where where;

  @Option(
      names = "--revisions",
      description =
          "Also a line for each round: how many events it ranked before it learnt from them, and how well.")
  private boolean revisions;

  @Option(names = "--json", description = "Print a JSON object a line, with all figures.")
  private boolean json;

  @Override
  public Integer call() {
    TokenLog log = where.log("versions");
    if (!log.unreadable.isEmpty()) {
      int shown = Math.min(MOST_UNREADABLE, log.unreadable.size());
      System.err.printf(
          "sidstream: %,d records of the topic are not version records%s: %s%n",
          log.unreadable.size(),
          shown < log.unreadable.size() ? ", the first of them" : "",
          String.join("; ", log.unreadable.subList(0, shown)));
    }
    for (VersionRecord v : log.versions) {
      if (v.getState() == VersionState.REVISION && !revisions) {
        continue;
      }
      System.out.println(
          json
              ? RowText.write(fields(v))
              : v.getState() == VersionState.REVISION ? revision(v) : RowText.version(v));
    }
    return 0;
  }

  /** A round as one line. */
  private static String revision(VersionRecord v) {
    Prequential p = v.getPrequential();
    long events = p == null ? 0 : p.getEvents();
    StringBuilder line = new StringBuilder();
    line.append(
        "revision %d of version %d %s: interactions %d, loss %.4f, events ranked %d"
            .formatted(
                v.getRevision(),
                v.getVersion(),
                v.getTime(),
                v.getInteractions(),
                v.getLoss(),
                events));
    if (events > 0) {
      line.append(
          ", HR@10 %.3f, popularity %.3f"
              .formatted(p.getHits10() / events, p.getPopularityHits10() / events));
      if (p.getNewEvents() > 0) {
        line.append(
            ", new items %.3f of %d"
                .formatted(p.getNewHits10() / p.getNewEvents(), p.getNewEvents()));
      }
    }
    return line.toString();
  }

  /** All figures of a record, those that it has not as null. */
  static Map<String, Object> fields(VersionRecord v) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("state", v.getState().toString());
    fields.put("version", v.getVersion());
    fields.put("revision", v.getRevision());
    fields.put("items", v.getItems());
    fields.put("rows", v.getRows());
    fields.put("tombstones", v.getTombstones());
    fields.put("oldItems", v.getOldItems());
    fields.put("movedItems", v.getMovedItems());
    fields.put("changedCodes", List.copyOf(v.getChangedCodes()));
    fields.put("changedPrefixes", List.copyOf(v.getChangedPrefixes()));
    fields.put("interactions", v.getInteractions());
    fields.put("waitingInteractions", v.getWaitingInteractions());
    fields.put("loss", v.getLoss());
    fields.put("steps", v.getSteps());
    fields.put("quality", quality(v.getQuality()));
    fields.put("prequential", prequential(v.getPrequential()));
    fields.put("reason", v.getReason());
    fields.put("time", v.getTime().toString());
    return fields;
  }

  private static Map<String, Object> quality(Quality q) {
    if (q == null) {
      return null;
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("utilisation", List.copyOf(q.getUtilisation()));
    fields.put("perplexity", List.copyOf(q.getPerplexity()));
    fields.put("aloneInTuple", q.getUniqueTuples());
    fields.put("reconstruction", q.getReconstruction());
    fields.put("expectedChurn", q.getExpectedChurn());
    fields.put("tolerance", List.copyOf(q.getTolerance()));
    fields.put("reseeded", List.copyOf(q.getReseeded()));
    fields.put("reseededItems", List.copyOf(q.getReseededItems()));
    return fields;
  }

  private static Map<String, Object> prequential(Prequential p) {
    if (p == null) {
      return null;
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("events", p.getEvents());
    fields.put("hits10", p.getHits10());
    fields.put("ndcg10", p.getNdcg10());
    fields.put("popularityHits10", p.getPopularityHits10());
    fields.put("newEvents", p.getNewEvents());
    fields.put("newHits10", p.getNewHits10());
    fields.put("newPopularityHits10", p.getNewPopularityHits10());
    return fields;
  }
}
