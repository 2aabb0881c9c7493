package io.sidstream.cli.rows;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Records that were refused: how many by rule, where the first of them are, and why. */
public final class Refusals {
  /** Places that are named of a rule. */
  private static final int SHOWN = 10;

  private final Map<String, Kind> kinds = new LinkedHashMap<>();
  private long count;

  private static final class Kind {
    long count;
    String reason;
    final List<String> places = new ArrayList<>();
  }

  /**
   * Takes one.
   *
   * @param rule stable name of what is broken
   * @param place file and line, such as {@code items.csv:17}
   * @param reason for a person
   */
  public void add(String rule, String place, String reason) {
    count++;
    Kind kind = kinds.computeIfAbsent(rule, r -> new Kind());
    kind.count++;
    if (kind.reason == null) {
      kind.reason = reason;
    }
    if (kind.places.size() < SHOWN) {
      kind.places.add(place);
    }
  }

  /** How many in all. */
  public long count() {
    return count;
  }

  /** How many by rule, in the order in which they came first. */
  public Map<String, Long> byRule() {
    Map<String, Long> counts = new LinkedHashMap<>();
    kinds.forEach((rule, kind) -> counts.put(rule, kind.count));
    return counts;
  }

  /** A line a rule, the most frequent first, and the first reason below it. */
  public String text() {
    StringBuilder s = new StringBuilder();
    kinds.entrySet().stream()
        .sorted((a, b) -> Long.compare(b.getValue().count, a.getValue().count))
        .forEach(
            e -> {
              Kind kind = e.getValue();
              s.append(
                  String.format(
                      Locale.ROOT,
                      "  %s %,d: %s%s%n    %s%n",
                      e.getKey(),
                      kind.count,
                      String.join(", ", kind.places),
                      kind.count > kind.places.size() ? ", ..." : "",
                      kind.reason));
            });
    return s.toString();
  }
}
