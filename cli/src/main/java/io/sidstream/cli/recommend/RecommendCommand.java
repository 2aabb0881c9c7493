package io.sidstream.cli.recommend;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.model.serve.ServedModel.Ranked;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream recommend}: the next items of a history, from the topics alone. */
@Command(
    name = "recommend",
    mixinStandardHelpOptions = true,
    description = {
      "Print the items that a user may want next, best first, from the topics alone.",
      "Read are versions, tokens, models and id-embeddings, committed records only, to their present end. Ranked is with the newest committed token version and its newest recommender revision, among all items with a token but those of the history. Where a version or revision is half visible, the topics are read again."
    })
public final class RecommendCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--history",
      required = true,
      split = ",",
      paramLabel = "ITEM",
      description = "The user's items, oldest first, with commas between them.")
  private List<String> history = new ArrayList<>();

  @Option(
      names = "--top",
      defaultValue = "10",
      paramLabel = "N",
      description = "How many items (default: ${DEFAULT-VALUE}).")
  private int top;

  @Mixin private KafkaOptions kafka;

  @Option(
      names = "--wait",
      defaultValue = "60",
      paramLabel = "SECONDS",
      description =
          "How long a version or revision that is half visible is waited for (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Override
  public Integer call() {
    if (top < 1) {
      throw new UsageException("--top " + top + ": 1 or more");
    }
    if (seconds < 0) {
      throw new UsageException("--wait " + seconds + ": 0 or more");
    }
    PublishedRanking published =
        PublishedRanking.read(
            kafka.reach().bootstrap(),
            kafka.prefix(),
            kafka.properties(),
            Duration.ofSeconds(seconds));
    int[] known = known(published);
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "token version %d, revision %d, %,d items%n",
        published.version(),
        published.revision(),
        published.names().size());
    int place = 0;
    for (Ranked ranked : published.model().top(known, top)) {
      out.printf(
          Locale.ROOT,
          "%4d  %-10.6g  %s%n",
          ++place,
          ranked.score(),
          published.names().get(ranked.item()));
    }
    out.flush();
    return 0;
  }

  /** Indices of the history's items; those without a token are said and left out. */
  private int[] known(PublishedRanking published) {
    List<String> unknown =
        history.stream().filter(item -> published.index(item) < 0).distinct().toList();
    if (unknown.size() == history.stream().distinct().count()) {
      throw new UsageException(
          "--history %s: no item of it has a token in version %d; give at least one that has"
              .formatted(String.join(",", history), published.version()));
    }
    if (!unknown.isEmpty()) {
      PrintWriter err = spec.commandLine().getErr();
      err.println("sidstream: left out, without a token: " + String.join(", ", unknown));
      err.flush();
    }
    return history.stream().mapToInt(published::index).filter(i -> i >= 0).toArray();
  }
}
