package io.sidstream.cli.ui;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What each address under {@code /api/} asks of a view. */
final class Routes {
  static final int LONGEST_TEXT = 4_000;
  static final int LONGEST_SEARCH = 200;
  static final int LONGEST_HISTORY = 200;
  private static final int MOST = 200;
  private static final int LEVELS = 64;

  private final LiveView view;

  Routes(LiveView view) {
    this.view = view;
  }

  /**
   * Answers.
   *
   * @param path such as /api/item
   * @param query of the address, still encoded; null for none
   * @return what becomes the JSON; null where nothing has changed
   * @throws RefusedException saying what is wrong
   */
  Object answer(String path, String query) {
    Map<String, List<String>> asked = parameters(query);
    return switch (path) {
      case "/api/report" -> view.report(number(asked, "stamp"), number(asked, "table"));
      case "/api/search" -> view.search(text(asked, "q", LONGEST_SEARCH), MOST);
      case "/api/item" -> view.item(text(asked, "id", LONGEST_TEXT));
      case "/api/text" -> view.text(text(asked, "text", LONGEST_TEXT));
      case "/api/step" -> view.step(source(asked), prefix(asked));
      default ->
          throw new RefusedException(
              RefusedException.NOT_THERE,
              "there is no page %s here: the page is at /, its data at /api/report, /api/search, /api/item, /api/text, /api/step"
                  .formatted(shortened(path)));
    };
  }

  private static LiveView.Source source(Map<String, List<String>> asked) {
    List<String> history = asked.getOrDefault("item", List.of());
    if (asked.containsKey("text") == !history.isEmpty()) {
      throw new RefusedException(
          RefusedException.WRONG,
          "name what is decoded: either text=TEXT, or item=ID once or more");
    }
    if (history.size() > LONGEST_HISTORY) {
      throw new RefusedException(
          RefusedException.WRONG,
          "a history of %d items: name the newest %d at most"
              .formatted(history.size(), LONGEST_HISTORY));
    }
    return history.isEmpty()
        ? new LiveView.Source(text(asked, "text", LONGEST_TEXT), List.of())
        : new LiveView.Source(null, history);
  }

  private static int[] prefix(Map<String, List<String>> asked) {
    String text = asked.getOrDefault("prefix", List.of("")).get(0);
    if (text.isEmpty()) {
      return new int[0];
    }
    if (!text.matches("\\d{1,5}(-\\d{1,5}){0," + (LEVELS - 1) + "}")) {
      throw new RefusedException(
          RefusedException.WRONG,
          "prefix '%s': expected codes such as 12-14".formatted(shortened(text)));
    }
    String[] parts = text.split("-");
    int[] codes = new int[parts.length];
    for (int l = 0; l < codes.length; l++) {
      codes[l] = Integer.parseInt(parts[l]);
    }
    return codes;
  }

  private static String text(Map<String, List<String>> asked, String name, int longest) {
    String value = asked.getOrDefault(name, List.of("")).get(0);
    if (value.isBlank()) {
      throw new RefusedException(RefusedException.WRONG, name + " is empty: say what to look for");
    }
    if (value.length() > longest) {
      throw new RefusedException(
          RefusedException.WRONG,
          "%s has %,d characters: %,d at most".formatted(name, value.length(), longest));
    }
    return value;
  }

  private static long number(Map<String, List<String>> asked, String name) {
    String value = asked.getOrDefault(name, List.of("0")).get(0);
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new RefusedException(
          RefusedException.WRONG,
          "%s '%s': expected the number of the last report, or 0"
              .formatted(name, shortened(value)));
    }
  }

  private static String shortened(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }

  private static Map<String, List<String>> parameters(String query) {
    Map<String, List<String>> all = new HashMap<>();
    if (query == null) {
      return all;
    }
    // The server has refused what is not percent-encoded.
    for (String pair : query.split("&")) {
      int at = pair.indexOf('=');
      if (at > 0) {
        all.computeIfAbsent(decoded(pair.substring(0, at)), k -> new ArrayList<>())
            .add(decoded(pair.substring(at + 1)));
      }
    }
    return all;
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }
}
