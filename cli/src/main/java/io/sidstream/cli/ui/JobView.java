package io.sidstream.cli.ui;

import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.recommend.PublishedRanking;
import io.sidstream.cli.report.ReportCommand;
import io.sidstream.cli.report.ReportData;
import io.sidstream.cli.report.ReportData.Row;
import io.sidstream.cli.status.CodebookSet;
import io.sidstream.cli.status.TopicState;
import io.sidstream.cli.tokens.TopicFollower;
import io.sidstream.client.TokenTable;
import io.sidstream.client.TokenTableException;
import io.sidstream.client.TokenView;
import io.sidstream.job.config.JobConfig;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.ModelPieces;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * A job as its topics show it: the token table by the client, the rest followed from the beginning.
 * Reading begins with the first question, so that a page that nobody opens costs nothing.
 */
final class JobView implements LiveView {
  private static final Pattern TOKEN = Pattern.compile("\\d{1,9}(-\\d{1,9})*-?");
  private static final int NEIGHBOURS = 8;
  private static final int CODEWORDS = 3;
  private static final int CHOICES = 50;

  /** Of the time of the thread that asks, what making reports may take. */
  private static final long REPORT_SHARE = 10;

  /** How old a ranking may be before the topics are read again. */
  private static final long RANKING_NANOS = Duration.ofSeconds(20).toNanos();

  private static final Duration RANKING_PATIENCE = Duration.ofSeconds(20);

  private final KafkaOptions kafka;
  private final int maxItems;
  private final TextVectorizer texts;
  private final WireFormat wire = new WireFormat();

  // Guarded by this.
  private TopicFollower follower;
  private TokenTable table;

  // Guarded by the state.
  private final TopicState state = new TopicState();
  private final ModelPieces encoders = new ModelPieces();
  private long records;
  private long rowRecords;

  // Guarded by reporting.
  private final Object reporting = new Object();
  private Report report;
  private long reportAt;
  private long reportTook;

  // Guarded by ranking.
  private final Object ranking = new Object();
  private PublishedRanking ranked;
  private long rankedAt;

  private volatile TextQuantizer quantizer;

  /**
   * Nothing read yet.
   *
   * @param maxItems items that can be browsed; of a larger table an even sample
   * @param config says the text model
   */
  JobView(KafkaOptions kafka, int maxItems, JobConfig config) {
    this.kafka = kafka;
    this.maxItems = maxItems;
    texts = new TextVectorizer(config);
  }

  /** Begins to read, unless it has. */
  synchronized void begin() {
    if (follower == null) {
      table =
          TokenTable.builder(kafka.bootstrap())
              .prefix(kafka.prefix())
              .properties(kafka.properties())
              .embeddings(false)
              .open();
      follower =
          new TopicFollower(
              kafka.bootstrap(),
              kafka.prefix(),
              kafka.properties(),
              ReportCommand.TOPICS,
              this::take);
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    String topic = record.topic().substring(kafka.prefix().length());
    synchronized (state) {
      state.take(record, topic);
      records++;
      // Revisions and dead letters change no row.
      rowRecords += topic.equals("dead-letters") || topic.equals("versions") ? 0 : 1;
      if (topic.equals("models")) {
        encoder(record);
      }
    }
  }

  private void encoder(ConsumerRecord<byte[], byte[]> record) {
    try {
      ModelParts.Key key = ModelParts.Key.of(new String(record.key(), StandardCharsets.UTF_8));
      if (key.kind() != ModelPartKind.ENCODER) {
        return;
      }
      if (record.value() == null) {
        encoders.remove(key);
      } else {
        encoders.put(wire.decode(record.value(), ModelPart.class));
      }
    } catch (RuntimeException e) {
      // What is no part of a model is counted by the state; without its encoder a version says so
      // when it is asked for a token.
      return;
    }
  }

  private synchronized String problem() {
    if (!follower.problem().isEmpty()) {
      return follower.problem();
    }
    TokenTableException failure = table.failure();
    return failure == null ? "" : failure.getMessage();
  }

  private synchronized TokenView view() {
    return table.view();
  }

  private synchronized boolean caughtUp() {
    return follower.caughtUp();
  }

  @Override
  public Report report(long stamp, long tableStamp) {
    begin();
    if (!caughtUp()) {
      return new Report(0, 0, problem(), null);
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
    String problem = problem();
    synchronized (state) {
      // A version of the table is one of its rows, too: "moved" is by it.
      long rows = 31 * rowRecords + state.versions(io.sidstream.schemas.VersionState.COMMIT).size();
      long all = 31 * (31 * records + rows) + problem.hashCode();
      // 0 is none.
      long stamp = all == 0 ? 1 : all;
      if (report != null && report.stamp() == stamp) {
        return;
      }
      String source = kafka.prefix() + "* on " + kafka.bootstrap();
      ReportData data = ReportData.of(state, source, maxItems, Instant.now());
      report = new Report(stamp, rows + 1, problem, data);
    }
    reportAt = System.nanoTime();
    reportTook = reportAt - now;
  }

  @Override
  public Found search(String text, int most) {
    begin();
    String wanted = text.strip().toLowerCase(Locale.ROOT);
    int[] prefix = TOKEN.matcher(wanted).matches() ? codes(wanted) : null;
    synchronized (state) {
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
    begin();
    TokenTree tree = TokenTree.of(view());
    synchronized (state) {
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
          ReportData.row(id, state), levels, prefixes(tree, TopicState.codes(row.getCodes()), id));
    }
  }

  /** What shares the prefixes of a token, longest first; the state is held. */
  private List<Prefix> prefixes(TokenTree tree, int[] codes, String but) {
    List<Prefix> all = new ArrayList<>();
    for (int length = codes.length - 1; length >= 1; length--) {
      int[] prefix = Arrays.copyOf(codes, length);
      List<String> near =
          tree.levels() < length
              ? List.of()
              : tree.items(prefix).stream().filter(other -> !other.equals(but)).toList();
      all.add(new Prefix(prefix, near.size(), rows(near, NEIGHBOURS)));
    }
    return all;
  }

  private List<Row> rows(List<String> items, int most) {
    return items.stream()
        .map(item -> ReportData.row(item, state))
        .filter(java.util.Objects::nonNull)
        .limit(most)
        .toList();
  }

  private Row row(String item) {
    synchronized (state) {
      return item == null ? null : ReportData.row(item, state);
    }
  }

  @Override
  public TextToken text(String text) {
    begin();
    TokenView view = committed();
    TextQuantizer of = quantizer(view.version());
    float[] x = texts.vector(text, of.model().inputDim());
    EncodeResult result = of.encode(x);
    int levels = of.model().levels();
    int[] nearest = Arrays.copyOf(result.codes, levels);
    TokenTree tree = TokenTree.of(view);
    int[] given = of.free(x, nearest, tree);
    List<String> holders = tree.levels() == levels ? tree.items(nearest) : List.of();
    Row holder = holders.isEmpty() ? null : row(holders.get(0));
    synchronized (state) {
      return new TextToken(
          of.version(),
          texts.model(),
          nearest,
          Arrays.copyOf(result.distances, levels),
          Arrays.copyOf(result.margins, levels),
          holder,
          Arrays.copyOf(given, levels),
          given[levels],
          prefixes(tree, nearest, null));
    }
  }

  private TokenView committed() {
    TokenView view = view();
    if (view.version() == 0) {
      String problem = problem();
      throw new RefusedException(
          RefusedException.NOT_YET,
          "no complete token version of %s* on %s has been read yet%s: wait for the first ('sidstream status')"
              .formatted(
                  kafka.prefix(), kafka.bootstrap(), problem.isEmpty() ? "" : "; " + problem));
    }
    return view;
  }

  private TextQuantizer quantizer(int version) {
    TextQuantizer known = quantizer;
    if (known != null && known.version() == version) {
      return known;
    }
    byte[] bytes;
    synchronized (state) {
      bytes =
          encoders
              .whole(version, ModelPartKind.ENCODER)
              .map(ModelPieces.Whole::bytes)
              .orElseThrow(
                  () ->
                      new RefusedException(
                          RefusedException.NOT_YET,
                          "the encoder of token version %d is not on topic %smodels: no text can be given a token until it is; ask again"
                              .formatted(version, kafka.prefix())));
    }
    TextQuantizer read = new TextQuantizer(version, TokenizerModel.fromBytes(bytes));
    quantizer = read;
    return read;
  }

  @Override
  public Step step(Source from, int[] prefix) {
    begin();
    TokenView view = committed();
    TokenTree tree = TokenTree.of(view);
    if (prefix.length > tree.levels()) {
      throw new RefusedException(
          RefusedException.WRONG,
          "prefix %s has %d codes, tokens have %d: leave out what is too much"
              .formatted(joined(prefix), prefix.length, tree.levels()));
    }
    if (tree.items(prefix).isEmpty()) {
      throw new RefusedException(
          RefusedException.NOT_THERE,
          "no item's token begins with %s in version %d: begin again without a prefix"
              .formatted(joined(prefix), view.version()));
    }
    if (prefix.length == tree.levels()) {
      synchronized (state) {
        List<Row> items = rows(tree.items(prefix), NEIGHBOURS);
        return new Step(view.version(), 0, tree.levels(), 0, -1, 0, List.of(), items);
      }
    }
    return from.text() != null
        ? textStep(view.version(), tree, from.text(), prefix)
        : historyStep(view.version(), tree, from.history(), prefix);
  }

  private static String joined(int[] codes) {
    return String.join("-", Arrays.stream(codes).mapToObj(String::valueOf).toList());
  }

  private Step textStep(int version, TokenTree tree, String text, int[] prefix) {
    TextQuantizer of = quantizer(version);
    double[] distances = of.distances(texts.vector(text, of.model().inputDim()), prefix);
    int[] path = Arrays.copyOf(prefix, prefix.length + 1);
    List<Choice> choices = new ArrayList<>();
    int[] children = tree.children(prefix);
    for (int code : children) {
      path[prefix.length] = code;
      List<String> below = tree.items(path);
      choices.add(new Choice(code, distances[code], below.size(), row(below.get(0))));
    }
    choices.sort(Comparator.comparingDouble(Choice::value).thenComparingInt(Choice::code));
    return new Step(
        version,
        0,
        tree.levels(),
        distances.length,
        TextQuantizer.least(distances),
        choices.size(),
        first(choices),
        List.of());
  }

  private Step historyStep(int version, TokenTree tree, List<String> history, int[] prefix) {
    HistoryDecoder decoder = decoder(history);
    List<Choice> choices = new ArrayList<>();
    decoder
        .step(tree, prefix)
        .forEach(
            (code, below) ->
                choices.add(new Choice(code, below.probability, below.items, row(below.best))));
    choices.sort(
        Comparator.comparingDouble(Choice::value).reversed().thenComparingInt(Choice::code));
    int codewords;
    synchronized (state) {
      CodebookSet books = state.codebooks(version);
      codewords = books == null ? 0 : books.size(prefix.length);
    }
    return new Step(
        version,
        decoder.revision(),
        tree.levels(),
        codewords,
        -1,
        choices.size(),
        first(choices),
        List.of());
  }

  private static List<Choice> first(List<Choice> choices) {
    return List.copyOf(choices.subList(0, Math.min(CHOICES, choices.size())));
  }

  private HistoryDecoder decoder(List<String> history) {
    // The model has working memory: one at a time.
    synchronized (ranking) {
      if (ranked == null || System.nanoTime() - rankedAt > RANKING_NANOS) {
        try {
          ranked =
              PublishedRanking.read(
                  kafka.reach().bootstrap(), kafka.prefix(), kafka.properties(), RANKING_PATIENCE);
        } catch (IllegalStateException e) {
          throw new RefusedException(RefusedException.NOT_YET, e.getMessage());
        }
        rankedAt = System.nanoTime();
      }
      List<String> unknown = history.stream().filter(item -> ranked.index(item) < 0).toList();
      if (!unknown.isEmpty()) {
        throw new RefusedException(
            RefusedException.NOT_THERE,
            "history: %s %s no token in version %d: leave it out, or check the identifier"
                .formatted(
                    String.join(", ", unknown),
                    unknown.size() == 1 ? "has" : "have",
                    ranked.version()));
      }
      return new HistoryDecoder(ranked, history);
    }
  }

  @Override
  public synchronized void close() {
    if (follower != null) {
      follower.close();
      table.close();
    }
    texts.close();
  }
}
