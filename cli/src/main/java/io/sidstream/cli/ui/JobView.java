package io.sidstream.cli.ui;

import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.report.ReportData;
import io.sidstream.cli.status.CodebookSet;
import io.sidstream.cli.status.TopicState;
import io.sidstream.job.config.JobConfig;
import io.sidstream.schemas.ItemToken;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** A job as its topics show it. */
final class JobView implements LiveView {
  private static final Pattern TOKEN = Pattern.compile("\\d{1,9}(-\\d{1,9})*-?");
  private static final int CODEWORDS = 3;

  /** A report is made again after so many times what it took: a page must not keep a job busy. */
  private static final long REPORT_SHARE = 10;

  private final JobTopics topics;
  private final TokenDecoder decoder;
  private final String source;
  private final int maxItems;

  // Guarded by reporting.
  private final Object reporting = new Object();
  private Report report;
  private long reportAt;
  private long reportTook;

  /**
   * Nothing read yet.
   *
   * @param maxItems items that can be browsed; of a larger table an even sample
   * @param config says the text model
   */
  JobView(KafkaOptions kafka, int maxItems, JobConfig config) {
    this.maxItems = maxItems;
    source = kafka.prefix() + "* on " + kafka.bootstrap();
    topics = new JobTopics(kafka);
    decoder = new TokenDecoder(topics, config);
  }

  /** Begins to read, unless it has. */
  void begin() {
    topics.begin();
  }

  @Override
  public Report report(long stamp, long tableStamp) {
    topics.begin();
    if (!topics.caughtUp()) {
      return new Report(0, 0, topics.problem(), null);
    }
    synchronized (reporting) {
      long now = System.nanoTime();
      if (report == null || now - reportAt >= REPORT_SHARE * reportTook) {
        make(now);
      }
      if (report.stamp() == stamp) {
        return null;
      }
      return report.table() == tableStamp
          ? new Report(report.stamp(), report.table(), report.note(), report.data().withoutRows())
          : report;
    }
  }

  private void make(long now) {
    String problem = topics.problem();
    JobTopics.Stamp at = topics.stamp();
    // Of what is said, too; 0 is none.
    long all = 31 * at.all() + problem.hashCode();
    long stamp = all == 0 ? 1 : all;
    if (report != null && report.stamp() == stamp) {
      return;
    }
    ReportData data = topics.of(state -> ReportData.of(state, source, maxItems, Instant.now()));
    report = new Report(stamp, at.rows(), problem, data);
    reportAt = System.nanoTime();
    reportTook = reportAt - now;
  }

  @Override
  public Found search(String text, int most) {
    topics.begin();
    String wanted = text.strip().toLowerCase(Locale.ROOT);
    int[] prefix = TOKEN.matcher(wanted).matches() ? codes(wanted) : null;
    return topics.of(state -> search(state, wanted, prefix, most));
  }

  private static Found search(TopicState state, String wanted, int[] prefix, int most) {
    List<Map.Entry<String, ItemToken>> found = new ArrayList<>();
    for (Map.Entry<String, ItemToken> row : state.rows().entrySet()) {
      if (row.getKey().toLowerCase(Locale.ROOT).contains(wanted)
          || state.title(row.getKey()).toLowerCase(Locale.ROOT).contains(wanted)
          || prefix != null && begins(row.getValue().getCodes(), prefix)) {
        found.add(row);
      }
    }
    found.sort(
        Comparator.comparing(e -> TopicState.codes(e.getValue().getCodes()), Arrays::compare));
    return new Found(
        found.size(),
        found.stream().limit(most).map(e -> ReportData.row(e.getKey(), state)).toList());
  }

  private static boolean begins(List<Integer> codes, int[] prefix) {
    for (int l = 0; l < prefix.length; l++) {
      if (l >= codes.size() || codes.get(l) != prefix[l]) {
        return false;
      }
    }
    return true;
  }

  private static int[] codes(String token) {
    return Arrays.stream(token.split("-")).mapToInt(Integer::parseInt).toArray();
  }

  @Override
  public Item item(String id) {
    topics.begin();
    TokenTree tree = TokenTree.of(topics.view());
    return topics.of(state -> item(state, tree, id));
  }

  private Item item(TopicState state, TokenTree tree, String id) {
    ItemToken row = state.rows().get(id);
    if (row == null) {
      throw new RefusedException(
          RefusedException.NOT_THERE,
          "item '%s' has no token; %s"
              .formatted(
                  id,
                  state.items().contains(id)
                      ? "it is on the items topic: it waits for the first version, or see 'tokens dead-letters'"
                      : "it is not on the items topic either: check the identifier"));
    }
    CodebookSet books = state.codebooks(row.getVersion());
    List<Level> levels = new ArrayList<>();
    int[] nearest = TopicState.codes(row.getNearest());
    for (int l = 0; l < nearest.length; l++) {
      boolean known = books != null && l < books.levels() && nearest[l] < books.size(l);
      levels.add(
          new Level(
              nearest[l],
              row.getDistances().get(l),
              row.getMargins().get(l),
              known ? books.nearest(l, nearest[l], CODEWORDS) : List.of()));
    }
    return new Item(
        ReportData.row(id, state),
        levels,
        topics.prefixes(tree, TopicState.codes(row.getCodes()), id));
  }

  @Override
  public TextToken text(String text) {
    topics.begin();
    return decoder.text(text);
  }

  @Override
  public Step step(Source from, int[] prefix) {
    topics.begin();
    return decoder.step(from, prefix);
  }

  @Override
  public void close() {
    topics.close();
    decoder.close();
  }
}
