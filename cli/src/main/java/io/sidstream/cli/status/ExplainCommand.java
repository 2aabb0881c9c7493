package io.sidstream.cli.status;

import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.client.TokenTable;
import io.sidstream.client.TokenView;
import io.sidstream.schemas.ItemToken;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sidstream explain ITEM}. */
@Command(
    name = "explain",
    mixinStandardHelpOptions = true,
    description = {
      "Say why an item has its token: per level the codeword, how far it was and how far the runner-up,",
      "the codewords next to it, and the items that share its prefixes."
    },
    footer = {
      "",
      "Example:",
      "  sidstream explain B004756YJA --bootstrap localhost:9092",
      "",
      "Exit codes: 0 explained, 1 the item has no token or the topics cannot be read, 2 asked for wrongly."
    })
public final class ExplainCommand implements Callable<Integer> {
  private static final int CODEWORDS = 3;

  @Spec private CommandSpec spec;
  @Mixin private KafkaOptions kafka;

  @Parameters(paramLabel = "ITEM", description = "Identifier of the item.")
  private String item;

  @Option(
      names = "--neighbours",
      defaultValue = "5",
      paramLabel = "N",
      description = "Items shown of each prefix (default: ${DEFAULT-VALUE}).")
  private int neighbours;

  @Option(
      names = "--timeout",
      defaultValue = "60",
      paramLabel = "SECONDS",
      description = "How long a first complete version is waited for (default: ${DEFAULT-VALUE}).")
  private int timeout;

  @Override
  public Integer call() throws InterruptedException {
    TopicState state = TopicState.read(kafka, "versions", "models", "tokens", "items");
    PrintWriter out = spec.commandLine().getOut();
    ItemToken row = state.rows().get(item);
    if (row == null) {
      PrintWriter err = spec.commandLine().getErr();
      err.printf(
          "sidstream: item %s has no token; %s%n",
          item,
          state.items().contains(item)
              ? "it is on the items topic: it waits for the first version, or see 'tokens dead-letters'"
              : "it is not on the items topic either: check the identifier and --prefix");
      err.flush();
      return 1;
    }
    try (TokenTable table =
        TokenTable.builder(kafka.bootstrap())
            .prefix(kafka.prefix())
            .properties(kafka.properties())
            .embeddings(false)
            .open()) {
      table.await(1, Duration.ofSeconds(timeout));
      print(out, state, row, table.view());
    } catch (TimeoutException e) {
      throw new IllegalStateException("no complete version to explain from: " + e.getMessage(), e);
    }
    out.flush();
    return 0;
  }

  private void print(PrintWriter out, TopicState state, ItemToken row, TokenView view) {
    line(out, "item", "%s  %s", item, state.title(item));
    line(
        out,
        "token",
        "%s, of version %d, revision %d",
        TopicState.token(row),
        row.getVersion(),
        row.getRevision());
    if (!row.getCodes().equals(row.getNearest()) || row.getSuffix() != null) {
      line(
          out,
          "repair",
          "the quantizer chose %s, which another item had: %s",
          row.getNearest(),
          row.getSuffix() == null ? "the nearest free last code was taken" : "a suffix was added");
    }
    if (row.getPrevious() != null) {
      line(
          out,
          "before",
          "%s, of version %d",
          row.getPrevious().getCodes(),
          row.getPrevious().getVersion());
    }
    CodebookSet books = state.codebooks(row.getVersion());
    int[] nearest = TopicState.codes(row.getNearest());
    for (int l = 0; l < nearest.length; l++) {
      line(
          out,
          "level " + (l + 1),
          "codeword %d at %.4f, the next %.4f further%s",
          nearest[l],
          row.getDistances().get(l),
          row.getMargins().get(l),
          row.getMargins().get(l) < 0
              ? " (another is nearer: the old one was kept, so that the token stays)"
              : "");
      if (books != null && l < books.levels() && nearest[l] < books.size(l)) {
        List<String> near =
            books.nearest(l, nearest[l], CODEWORDS).stream()
                .map(n -> String.format(Locale.ROOT, "%d (%.3f)", n.code(), n.distance()))
                .toList();
        line(
            out,
            "",
            "codewords next to it, by %s: %s",
            books.cosine(l) ? "1 - cosine" : "squared distance",
            String.join(", ", near));
      }
    }
    int[] codes = TopicState.codes(row.getCodes());
    for (int length = codes.length - 1; length >= 1; length--) {
      int[] prefix = Arrays.copyOf(codes, length);
      List<String> shared =
          view.items(prefix).stream().filter(other -> !other.equals(item)).toList();
      line(
          out,
          "prefix " + String.join("-", Arrays.stream(prefix).mapToObj(String::valueOf).toList()),
          "shared by %,d %s",
          shared.size(),
          shared.size() == 1 ? "other item" : "other items");
      shared.stream()
          .limit(Math.max(0, neighbours))
          .forEach(
              other -> line(out, "", "  %s  %s  %s", other, view.get(other), state.title(other)));
    }
  }

  private static void line(PrintWriter out, String name, String format, Object... values) {
    out.printf(Locale.ROOT, "%-14s ", name);
    out.printf(Locale.ROOT, format, values);
    out.println();
  }
}
