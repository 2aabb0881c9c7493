package io.sidstream.cli.report;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.status.TopicState;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream report}. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = {
      "Write one HTML file that shows what a job has made of a catalogue: use of codewords, the tree of",
      "semantic IDs with its items, quality by revision, churn by version, what the gate held back, margins.",
      "It opens from disk and needs no network."
    },
    footer = {
      "",
      "Example:",
      "  sidstream report --bootstrap localhost:9092 -o report.html",
      "",
      "Exit codes: 0 written, 1 no version yet or the topics cannot be read, 2 asked for wrongly."
    })
public final class ReportCommand implements Callable<Integer> {
  /** What a report is made of. */
  public static final String[] TOPICS = {"versions", "tokens", "models", "items", "dead-letters"};

  /** Items that can be browsed, where nobody says how many. */
  public static final int MAX_ITEMS = 20_000;

  @Spec private CommandSpec spec;
  @Mixin private KafkaOptions kafka;

  @Option(
      names = {"-o", "--out"},
      defaultValue = "report.html",
      paramLabel = "FILE",
      description = "Where to (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--max-items",
      paramLabel = "N",
      description =
          "Items that can be browsed; of a larger table an even sample (default: ${DEFAULT-VALUE}). Figures are of all.")
  private int maxItems = MAX_ITEMS;

  @Override
  public Integer call() throws Exception {
    if (maxItems < 1) {
      throw new UsageException("--max-items " + maxItems + ": 1 or more");
    }
    OutputFile.check("--out", out);
    write(TopicState.read(kafka, TOPICS), kafka, out, maxItems);
    PrintWriter to = spec.commandLine().getOut();
    to.println("report: " + out.toAbsolutePath());
    to.flush();
    return 0;
  }

  /**
   * Writes the page.
   *
   * @param state of {@link #TOPICS}
   * @param kafka where they are
   * @param maxItems items that can be browsed
   * @throws IllegalStateException where no item has a token yet
   * @throws IOException if the file cannot be written
   */
  public static void write(TopicState state, KafkaOptions kafka, Path out, int maxItems)
      throws IOException {
    if (state.rows().isEmpty()) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "no item has a token yet on %s: wait for the first version ('sidstream status')",
              kafka.bootstrap()));
    }
    ReportData data =
        ReportData.of(state, kafka.prefix() + "* on " + kafka.bootstrap(), maxItems, Instant.now());
    String html = ReportPage.html(data);
    OutputFile.write(out, to -> to.write(html.getBytes(StandardCharsets.UTF_8)));
  }
}
