package io.sidstream.cli.ui;

import io.sidstream.cli.recommend.PublishedRanking;
import io.sidstream.cli.report.ReportData.Row;
import io.sidstream.cli.status.CodebookSet;
import io.sidstream.cli.ui.LiveView.Choice;
import io.sidstream.cli.ui.LiveView.Source;
import io.sidstream.cli.ui.LiveView.Step;
import io.sidstream.cli.ui.LiveView.TextToken;
import io.sidstream.client.TokenView;
import io.sidstream.job.config.JobConfig;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.EncodeResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Tokens of texts, and the codes that may follow, by the model of the version in use. Any thread.
 */
final class TokenDecoder implements AutoCloseable {
  private static final int CHOICES = 50;

  /** How old a ranking may be before the topics are read again. */
  private static final long RANKING_NANOS = Duration.ofSeconds(20).toNanos();

  private static final Duration RANKING_PATIENCE = Duration.ofSeconds(20);

  private final JobTopics topics;
  private final TextVectorizer texts;

  // Guarded by ranking.
  private final Object ranking = new Object();
  private PublishedRanking ranked;
  private long rankedAt;

  private volatile TextQuantizer quantizer;

  /**
   * Nothing loaded yet.
   *
   * @param config says the text model
   */
  TokenDecoder(JobTopics topics, JobConfig config) {
    this.topics = topics;
    texts = new TextVectorizer(config);
  }

  /** The token of a text. */
  TextToken text(String text) {
    TokenView view = topics.committed();
    TextQuantizer of = quantizer(view.version());
    float[] x = texts.vector(text, of.model().inputDim());
    EncodeResult result = of.encode(x);
    int levels = of.model().levels();
    int[] nearest = Arrays.copyOf(result.codes, levels);
    TokenTree tree = TokenTree.of(view);
    int[] given = of.free(x, nearest, tree);
    List<String> holders = tree.levels() == levels ? tree.items(nearest) : List.of();
    Row holder = holders.isEmpty() ? null : topics.row(holders.get(0));
    return new TextToken(
        of.version(),
        texts.model(),
        nearest,
        Arrays.copyOf(result.distances, levels),
        Arrays.copyOf(result.margins, levels),
        holder,
        Arrays.copyOf(given, levels),
        given[levels],
        topics.prefixes(tree, nearest, null));
  }

  private TextQuantizer quantizer(int version) {
    TextQuantizer known = quantizer;
    if (known != null && known.version() == version) {
      return known;
    }
    TextQuantizer read =
        new TextQuantizer(version, TokenizerModel.fromBytes(topics.encoder(version)));
    quantizer = read;
    return read;
  }

  /** One step. */
  Step step(Source from, int[] prefix) {
    TokenView view = topics.committed();
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
      List<Row> items = topics.rows(tree.items(prefix));
      return new Step(view.version(), 0, tree.levels(), 0, -1, 0, List.of(), items);
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
      choices.add(new Choice(code, distances[code], below.size(), topics.row(below.get(0))));
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
                choices.add(
                    new Choice(code, below.probability, below.items, topics.row(below.best))));
    choices.sort(
        Comparator.comparingDouble(Choice::value).reversed().thenComparingInt(Choice::code));
    CodebookSet books = topics.of(state -> state.codebooks(version));
    int codewords = books == null ? 0 : books.size(prefix.length);
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
                  topics.kafka().reach().bootstrap(),
                  topics.kafka().prefix(),
                  topics.kafka().properties(),
                  RANKING_PATIENCE);
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
  public void close() {
    texts.close();
  }
}
