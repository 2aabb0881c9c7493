package io.sidstream.cli.report;

import io.sidstream.cli.status.CodebookSet;
import io.sidstream.cli.status.TopicState;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.Prequential;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the report draws; its page reads it as one JSON object with these names.
 *
 * @param source where it was read, for people
 * @param made when
 * @param version newest committed token version
 * @param items with a token
 * @param shown of them in {@code rows}
 * @param levels per level how often each codeword is used by the tokens as the quantizer chose them
 * @param rows items, in the order of their tokens; null where the reader has them already
 * @param revisions rounds of the recommender, oldest first
 * @param versions committed token versions, oldest first
 * @param holds candidates that the gate held back, oldest first
 * @param margins per level a histogram of the distance to the runner-up
 * @param deadLetters by rule
 */
public record ReportData(
    String source,
    String made,
    int version,
    int items,
    int shown,
    List<Level> levels,
    List<Row> rows,
    List<Round> revisions,
    List<Version> versions,
    List<Hold> holds,
    List<Margins> margins,
    Map<String, Long> deadLetters) {

  /** Bars of a histogram. */
  private static final int BARS = 30;

  /**
   * A level.
   *
   * @param metric "cosine" or "euclidean"; null where the codebooks are not on the models topic
   * @param use [K] items per codeword
   */
  public record Level(String metric, long[] use) {}

  /**
   * An item.
   *
   * @param id identifier
   * @param title for people, empty for none
   * @param codes as published
   * @param suffix 0 for none
   * @param margin least distance to a runner-up over its levels
   * @param moved whether the newest version changed its token
   * @param xy position on the map, null where there are no codebooks
   */
  public record Row(
      String id, String title, int[] codes, int suffix, float margin, boolean moved, float[] xy) {}

  /** A round; shares are null where no event was ranked. */
  public record Round(
      long revision,
      int version,
      String time,
      long interactions,
      double loss,
      long events,
      Double model,
      Double popularity,
      Double newItems,
      Double newPopularity) {}

  /** A committed version. */
  public record Version(
      int version,
      String time,
      long items,
      long old,
      long moved,
      List<Long> changedCodes,
      List<Long> changedPrefixes,
      Double uniqueTuples,
      List<Double> utilisation) {}

  /** A candidate that was held back. */
  public record Hold(
      int version, long revision, String time, String reason, Double expectedChurn) {}

  /**
   * A histogram.
   *
   * @param from lower end of the first bar
   * @param width of each bar
   * @param counts [bars]
   */
  public record Margins(double from, double width, long[] counts) {}

  /**
   * Sums up what the topics say.
   *
   * @param maxItems rows that the page gets; of a larger table, an even sample in the order of
   *     tokens
   */
  public static ReportData of(TopicState state, String source, int maxItems, Instant made) {
    VersionRecord commit = state.newest(VersionState.COMMIT);
    int version = commit == null ? 0 : commit.getVersion();
    List<Map.Entry<String, ItemToken>> sorted = new ArrayList<>(state.rows().entrySet());
    sorted.sort(
        Comparator.comparing(e -> TopicState.codes(e.getValue().getCodes()), Arrays::compare));
    int levels = sorted.stream().mapToInt(e -> e.getValue().getCodes().size()).max().orElse(0);
    CodebookSet books = state.codebooks(version);
    PlaneMap plane = books == null ? null : PlaneMap.of(state.rows().values(), books);
    List<Row> rows = new ArrayList<>();
    int n = sorted.size();
    int shown = Math.min(n, maxItems);
    for (int i = 0; i < shown; i++) {
      var entry = sorted.get((int) ((long) i * n / shown));
      rows.add(row(entry.getKey(), entry.getValue(), state, version, plane));
    }
    return new ReportData(
        source,
        made.toString(),
        version,
        n,
        shown,
        levels(state, books, levels),
        rows,
        state.versions(VersionState.REVISION).stream().map(ReportData::round).toList(),
        versions(state),
        state.versions(VersionState.HELD).stream()
            .map(
                v ->
                    new Hold(
                        v.getVersion(),
                        v.getRevision(),
                        v.getTime().toString(),
                        v.getReason(),
                        v.getQuality() == null ? null : v.getQuality().getExpectedChurn()))
            .toList(),
        margins(state, levels),
        state.deadLetters());
  }

  /** The same without its rows, for a reader who has them already. */
  public ReportData withoutRows() {
    return new ReportData(
        source,
        made,
        version,
        items,
        shown,
        levels,
        null,
        revisions,
        versions,
        holds,
        margins,
        deadLetters);
  }

  /** An item as the newest row of the state has it; null where it has no token. */
  public static Row row(String id, TopicState state) {
    ItemToken token = state.rows().get(id);
    VersionRecord commit = state.newest(VersionState.COMMIT);
    return token == null
        ? null
        : row(id, token, state, commit == null ? 0 : commit.getVersion(), null);
  }

  private static Row row(
      String id, ItemToken token, TopicState state, int version, PlaneMap plane) {
    float least = Float.POSITIVE_INFINITY;
    for (float margin : token.getMargins()) {
      least = Math.min(least, margin);
    }
    boolean moved =
        version > 1
            && token.getCommit() == version
            && token.getPrevious() != null
            && !(token.getPrevious().getCodes().equals(token.getCodes())
                && java.util.Objects.equals(token.getPrevious().getSuffix(), token.getSuffix()));
    return new Row(
        id,
        state.title(id),
        TopicState.codes(token.getCodes()),
        token.getSuffix() == null ? 0 : token.getSuffix(),
        Float.isFinite(least) ? least : 0,
        moved,
        plane == null ? null : plane.at(TopicState.codes(token.getNearest())));
  }

  private static List<Level> levels(TopicState state, CodebookSet books, int levels) {
    List<Level> all = new ArrayList<>();
    for (int l = 0; l < levels; l++) {
      int level = l;
      int greatest =
          state.rows().values().stream().mapToInt(r -> r.getNearest().get(level)).max().orElse(0);
      boolean known = books != null && l < books.levels();
      long[] use = new long[Math.max(greatest + 1, known ? books.size(l) : 0)];
      state.rows().values().forEach(r -> use[r.getNearest().get(level)]++);
      all.add(new Level(!known ? null : books.cosine(l) ? "cosine" : "euclidean", use));
    }
    return all;
  }

  private static Round round(VersionRecord v) {
    Prequential p = v.getPrequential();
    boolean some = p != null && p.getEvents() > 0;
    boolean fresh = some && p.getNewEvents() > 0;
    return new Round(
        v.getRevision(),
        v.getVersion(),
        v.getTime().toString(),
        v.getInteractions(),
        v.getLoss(),
        some ? p.getEvents() : 0,
        some ? p.getHits10() / p.getEvents() : null,
        some ? p.getPopularityHits10() / p.getEvents() : null,
        fresh ? p.getNewHits10() / p.getNewEvents() : null,
        fresh ? p.getNewPopularityHits10() / p.getNewEvents() : null);
  }

  private static List<Version> versions(TopicState state) {
    Map<Integer, Quality> quality = new HashMap<>();
    state.versions(VersionState.BEGIN).forEach(v -> quality.put(v.getVersion(), v.getQuality()));
    List<Version> all = new ArrayList<>();
    for (VersionRecord v : state.versions(VersionState.COMMIT)) {
      Quality q = quality.get(v.getVersion());
      all.add(
          new Version(
              v.getVersion(),
              v.getTime().toString(),
              v.getItems(),
              v.getOldItems(),
              v.getMovedItems(),
              List.copyOf(v.getChangedCodes()),
              List.copyOf(v.getChangedPrefixes()),
              q == null ? null : q.getUniqueTuples(),
              q == null ? List.of() : List.copyOf(q.getUtilisation())));
    }
    return all;
  }

  private static List<Margins> margins(TopicState state, int levels) {
    List<Margins> all = new ArrayList<>();
    for (int l = 0; l < levels; l++) {
      int level = l;
      double[] values =
          state.rows().values().stream()
              .mapToDouble(r -> r.getMargins().get(level))
              .sorted()
              .toArray();
      // The longest hundredth would make one bar of the rest.
      double from = Math.min(0, values[0]);
      double to = Math.max(values[(int) (.99 * (values.length - 1))], from + 1e-6);
      double width = (to - from) / BARS;
      long[] counts = new long[BARS];
      for (double value : values) {
        counts[(int) Math.max(0, Math.min(BARS - 1, (value - from) / width))]++;
      }
      all.add(new Margins(from, width, counts));
    }
    return all;
  }
}
