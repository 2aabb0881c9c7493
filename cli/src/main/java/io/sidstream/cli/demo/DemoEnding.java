package io.sidstream.cli.demo;

import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.report.ReportCommand;
import io.sidstream.cli.status.TopicState;
import io.sidstream.cli.watch.Progress;
import io.sidstream.schemas.ItemToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a run of the demo shows of its tokens at the end. */
final class DemoEnding {
  private static final int EXAMPLES = 3;

  private DemoEnding() {}

  /**
   * Prints items of one prefix and an item that came late, and writes the report.
   *
   * @param page where the report goes; null for a new file of the system's temporary folder
   * @param arrived an item that came when a version was in use; null for none
   * @throws IOException if the report cannot be written
   */
  static void tell(KafkaOptions kafka, Path page, Progress.Arrival arrived) throws IOException {
    TopicState state = TopicState.read(kafka, ReportCommand.TOPICS);
    List<String> alike = alike(state);
    if (!alike.isEmpty()) {
      System.out.println("Items that share all codes but the last:");
      alike.forEach(item -> System.out.println("  " + line(state, item)));
    }
    if (arrived != null && state.rows().containsKey(arrived.item())) {
      System.out.printf(
          "An item that came when version %d was in use, and had its token after %.1f s:%n  %s%n",
          arrived.version(), arrived.ms() / 1e3, line(state, arrived.item()));
    }
    Path to = page == null ? Files.createTempFile("sidstream-report-", ".html") : page;
    ReportCommand.write(state, kafka, to, ReportCommand.MAX_ITEMS);
    System.out.println("report: " + to.toAbsolutePath());
  }

  /** The first items, in order of their codes, of which so many share all codes but the last. */
  private static List<String> alike(TopicState state) {
    Map<List<Integer>, List<String>> byPrefix = new LinkedHashMap<>();
    for (Map.Entry<String, ItemToken> row : state.rows().entrySet()) {
      List<Integer> codes = row.getValue().getCodes();
      List<String> items =
          byPrefix.computeIfAbsent(
              List.copyOf(codes.subList(0, codes.size() - 1)), k -> new ArrayList<>());
      items.add(row.getKey());
      if (items.size() == EXAMPLES) {
        return items;
      }
    }
    return List.of();
  }

  private static String line(TopicState state, String item) {
    String title = state.title(item);
    return "%-14s %s%s"
        .formatted(
            TopicState.token(state.rows().get(item)), item, title.isEmpty() ? "" : "  " + title);
  }
}
