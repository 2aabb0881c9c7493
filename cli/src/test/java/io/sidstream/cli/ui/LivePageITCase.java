package io.sidstream.cli.ui;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sidstream.cli.CommandRun;
import io.sidstream.cli.browser.Chromium;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.recommend.PublishedRanking;
import io.sidstream.client.Token;
import io.sidstream.job.config.JobConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The live page over a real broker, and in a real browser where there is one (chromium on the
 * path). Screenshots go to {@code target/screenshots}.
 */
class LivePageITCase {
  @TempDir static Path folder;
  private static EmbeddedKafka kafka;
  private static LiveCatalogue catalogue;

  @BeforeAll
  static void start() throws Exception {
    kafka = EmbeddedKafka.start(folder.resolve("kafka"));
    catalogue = new LiveCatalogue(kafka.bootstrap(), "l.");
  }

  @AfterAll
  static void stop() throws Exception {
    catalogue.close();
    kafka.close();
  }

  private static JobView view() {
    JobView view =
        new JobView(
            KafkaOptions.of(kafka.bootstrap(), "l."), 1000, JobConfig.load(null, List.of()));
    view.begin();
    await(
        () -> {
          LiveView.Report report = view.report(0, 0);
          return report != null && report.data() != null && report.data().version() == 1;
        });
    await(() -> answers(() -> view.step(text("lamp"), new int[0])));
    return view;
  }

  private static void await(BooleanSupplier condition) {
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(condition::getAsBoolean);
  }

  private static boolean answers(Runnable question) {
    try {
      question.run();
      return true;
    } catch (RefusedException e) {
      return false;
    }
  }

  private static LiveView.Source text(String text) {
    return new LiveView.Source(text, List.of());
  }

  /** The text of an item leads to its token: by the published encoder, in one go and in steps. */
  @Test
  void aTextGetsTheTokenThatItsItemHas() {
    try (JobView view = view()) {
      for (int i : new int[] {0, 13, 41}) {
        Token token = catalogue.tokens.get(LiveCatalogue.id(i));
        LiveView.TextToken answer = view.text(catalogue.titles.get(i));
        assertThat(answer.nearest()).containsExactly(token.codes());
        assertThat(answer.holder()).isNotNull();
        // What it would get is nobody's.
        assertThat(catalogue.tokens.values())
            .noneMatch(
                t -> Arrays.equals(t.codes(), answer.codes()) && t.suffix() == answer.suffix());
        for (int l = 0; l < 3; l++) {
          LiveView.Step step =
              view.step(text(catalogue.titles.get(i)), Arrays.copyOf(token.codes(), l));
          assertThat(step.choices().get(0).code()).isEqualTo(token.codes()[l]);
          assertThat(step.unrestricted()).isEqualTo(token.codes()[l]);
          assertThat(step.choices().get(0).value()).isCloseTo(answer.distances()[l], offset(1e-4));
          int[] prefix = Arrays.copyOf(token.codes(), l);
          assertThat(step.choices().stream().map(LiveView.Choice::code))
              .as("the codes that exist behind the prefix, and no other")
              .containsExactlyInAnyOrderElementsOf(following(prefix).keySet());
          assertThat(step.choices())
              .allSatisfy(c -> assertThat(c.items()).isEqualTo(following(prefix).get(c.code())));
        }
      }
    }
  }

  /** Code to items below it. */
  private static Map<Integer, Integer> following(int[] prefix) {
    Map<Integer, Integer> codes = new TreeMap<>();
    for (Token token : catalogue.tokens.values()) {
      if (Arrays.equals(Arrays.copyOf(token.codes(), prefix.length), prefix)) {
        codes.merge(token.codes()[prefix.length], 1, Integer::sum);
      }
    }
    return codes;
  }

  /**
   * The shares of a history are the recommender's: those of a whole token multiply to its item's.
   */
  @Test
  void aHistoryIsDecodedByTheRecommender() {
    try (JobView view = view()) {
      LiveView.Source from =
          new LiveView.Source(null, List.of(LiveCatalogue.id(2), LiveCatalogue.id(3)));
      int[] prefix = new int[0];
      double probability = 1;
      for (int l = 0; l < 3; l++) {
        LiveView.Step step = view.step(from, prefix);
        assertThat(step.revision()).isEqualTo(1);
        assertThat(step.choices().stream().mapToDouble(LiveView.Choice::value).sum())
            .isCloseTo(1, offset(1e-9));
        assertThat(step.choices())
            .isSortedAccordingTo((a, b) -> Double.compare(b.value(), a.value()));
        probability *= step.choices().get(0).value();
        prefix = Arrays.copyOf(prefix, l + 1);
        prefix[l] = step.choices().get(0).code();
      }
      int[] whole = prefix;
      PublishedRanking ranking =
          PublishedRanking.read(kafka.bootstrap(), "l.", new Properties(), Duration.ofSeconds(30));
      HistoryDecoder decoder = new HistoryDecoder(ranking, from.history());
      double expected =
          catalogue.tokens.entrySet().stream()
              .filter(e -> Arrays.equals(e.getValue().codes(), whole))
              .mapToDouble(e -> decoder.of(e.getKey()))
              .sum();
      assertThat(probability).isCloseTo(expected, offset(1e-9));
      assertThat(decoder.of(LiveCatalogue.id(2))).as("an item of the history").isZero();
      assertThat(view.step(from, whole).items()).isNotEmpty();
      assertThatThrownBy(() -> view.step(new LiveView.Source(null, List.of("nobody")), new int[0]))
          .hasMessageContaining("nobody has no token in version 1");
      assertThatThrownBy(() -> view.step(from, new int[] {999}))
          .hasMessageContaining("no item's token begins with 999");
    }
  }

  @Test
  void whatCannotBeServedIsNamed() throws Exception {
    CommandRun run = CommandRun.of("ui", "--bootstrap", "127.0.0.1:1");
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("127.0.0.1:1 refuses the connection");
    try (LivePage page = page()) {
      String port = page.address().replaceAll(".*:(\\d+)/", "$1");
      run = CommandRun.of("ui", "--bootstrap", kafka.bootstrap(), "--port", port);
      assertThat(run.code()).isEqualTo(2);
      assertThat(run.err()).contains("port " + port).contains("0 for a free one");
    }
    try (JobView gone =
        new JobView(KafkaOptions.of("127.0.0.1:1", "l."), 10, JobConfig.load(null, List.of()))) {
      await(() -> gone.report(0, 0).note().contains("127.0.0.1:1 refuses the connection"));
    }
    try (JobView empty =
        new JobView(
            KafkaOptions.of(kafka.bootstrap(), "none."), 10, JobConfig.load(null, List.of()))) {
      await(() -> empty.report(0, 0).note().contains("there is no topic none.versions"));
      assertThatThrownBy(() -> empty.text("lamp"))
          .hasMessageContaining("no complete token version");
    }
  }

  private static LivePage page() throws Exception {
    return LivePage.start(
        KafkaOptions.of(kafka.bootstrap(), "l."),
        new LivePage.Place("127.0.0.1", 0, 1000),
        JobConfig.load(null, List.of()));
  }

  @Test
  void peopleCanUseIt() throws Exception {
    String browser = Chromium.find();
    assumeTrue(browser != null, "no chromium on the path");
    try (LivePage page = page();
        Chromium chromium = Chromium.start(browser, folder)) {
      chromium.screen(1200, 900, false);
      chromium.open(page.address());
      chromium.until("document.querySelectorAll('#browse details').length > 0");
      chromium.until("document.querySelectorAll('canvas').length >= 7");
      searchBrowseOpen(chromium);
      paste(chromium);
      decode(chromium);
      keys(chromium);
      keptUpToDate(chromium);
      assertThat(
              chromium
                  .evaluate(
                      "String(window.hacked) + document.querySelectorAll('main img, main b, main script').length")
                  .asText())
          .isEqualTo("undefined0");
      Path shots = Path.of("target", "screenshots").toAbsolutePath();
      for (boolean dark : new boolean[] {false, true}) {
        for (int width : new int[] {1200, 390}) {
          chromium.screen(width, 844, dark);
          assertThat(chromium.faults()).as("axe, dark %s, width %d", dark, width).isEmpty();
          assertThat(
                  chromium
                      .evaluate("document.documentElement.scrollWidth > innerWidth")
                      .asBoolean())
              .as("wider than %d", width)
              .isFalse();
          chromium.screenshot(
              shots.resolve(
                  "live-" + (dark ? "dark" : "light") + (width == 390 ? "-phone" : "") + ".png"));
        }
      }
      assertThat(chromium.problems()).isEmpty();
    }
  }

  private static void searchBrowseOpen(Chromium chromium) throws Exception {
    chromium.evaluate("document.getElementById('search').focus()");
    chromium.type("lantern");
    chromium.until("document.querySelectorAll('#browse button').length === 10");
    assertThat(chromium.evaluate("document.getElementById('found').textContent").asText())
        .isEqualTo("10 items");
    chromium.evaluate(
        "[...document.querySelectorAll('#browse button')].find((b) => b.textContent.includes('onerror')).click()");
    chromium.until("document.querySelectorAll('#item .level').length === 3");
    assertThat(chromium.evaluate("document.querySelector('#item h3').textContent").asText())
        .isEqualTo(catalogue.titles.get(7));
    chromium.evaluate(
        "document.getElementById('search').select(); document.execCommand('delete'); 0");
    chromium.until("document.querySelectorAll('#browse details').length > 0");
  }

  private static void paste(Chromium chromium) throws Exception {
    chromium.evaluate("document.getElementById('try-text').focus()");
    chromium.type(catalogue.titles.get(13));
    chromium.press("Tab");
    chromium.press("Enter");
    chromium.until("document.querySelector('#try-answer .big')");
    int[] codes = catalogue.tokens.get(LiveCatalogue.id(13)).codes();
    assertThat(chromium.evaluate("document.getElementById('try-answer').textContent").asText())
        .contains("Token version 1, text model minilm")
        .contains("The quantizer chooses " + codes[0] + "-" + codes[1] + "-" + codes[2])
        .contains(codes[0] + "-" + codes[1] + ": ");
  }

  private static void decode(Chromium chromium) throws Exception {
    chromium.evaluate("document.getElementById('decode-text').focus()");
    chromium.type("item-02\nitem-03");
    chromium.press("Tab");
    chromium.press("Enter");
    for (int level = 1; level <= 3; level++) {
      chromium.until(
          "document.querySelector('#decode-answer h3')?.textContent.startsWith('Level "
              + level
              + "')");
      assertThat(chromium.evaluate("document.activeElement.tagName").asText()).isEqualTo("H3");
      assertThat(chromium.evaluate("document.getElementById('decode-answer').textContent").asText())
          .contains("Recommender of revision 1")
          .contains(" %");
      chromium.evaluate("document.querySelector('#decode-answer .best button').focus()");
      chromium.press("Enter");
    }
    chromium.until("document.querySelector('#decode-answer h3')?.textContent.startsWith('Token ')");
    assertThat(chromium.evaluate("document.querySelectorAll('#decode-answer .row').length").asInt())
        .isPositive();
    chromium.evaluate(
        "[...document.querySelectorAll('#try-answer button')].find((b) => b.textContent.startsWith('Decode')).click()");
    chromium.until(
        "document.querySelector('#decode-answer').textContent.includes('Without the restriction')");
  }

  /** All that can be used is reached by the Tab key, and works by Enter. */
  private static void keys(Chromium chromium) throws Exception {
    chromium.evaluate("document.activeElement.blur(); scrollTo(0, 0); 0");
    chromium.evaluate(
        "window.reached = new Set(); addEventListener('focusin', (e) => window.reached.add(e.target)); 0");
    chromium.evaluate("document.querySelector('.skip').focus()");
    for (int i = 0; i < 150; i++) {
      chromium.press("Tab");
    }
    assertThat(
            chromium
                .evaluate(
                    """
                    [...document.querySelectorAll('a, button, input:checked, input:not([type=radio]), textarea, summary')]
                      .filter((e) => e.offsetParent && !window.reached.has(e)).map((e) => e.outerHTML).join()
                    """)
                .asText())
        .as("not reached by Tab")
        .isEmpty();
    chromium.evaluate("document.querySelector('#browse summary').focus()");
    chromium.press("Enter");
    chromium.until("document.querySelector('#browse details').open");
    chromium.until("document.querySelector('#browse details').childElementCount > 1");
  }

  /** What is new is shown without a reload, and what was open stays open. */
  private static void keptUpToDate(Chromium chromium) throws Exception {
    int before = catalogue.tokens.size();
    catalogue.add("late", "A late <b>guest</b>", 0, 7, 7, 7);
    catalogue.flush();
    chromium.until(
        "document.querySelectorAll('#facts dd')[1].textContent === '" + (before + 1) + "'");
    assertThat(chromium.evaluate("document.querySelector('#browse details').open").asBoolean())
        .isTrue();
    chromium.evaluate("document.getElementById('search').focus()");
    chromium.type("guest");
    chromium.until("document.querySelectorAll('#browse button').length === 1");
  }
}
