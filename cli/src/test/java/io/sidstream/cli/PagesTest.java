package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** README and docs/*.md are easy to read, and what they link to is there. */
class PagesTest {
  private static final Path ROOT = Path.of("..");
  private static final Path CONCEPTS = ROOT.resolve("docs/concepts.md");
  private static final int WIDTH = 160;
  private static final int COLUMNS = 5;
  private static final Pattern CODE = Pattern.compile("`[^`]*`");
  private static final Pattern LINK = Pattern.compile("]\\(([^)\\s]*)\\)");
  private static final Pattern TERM =
      Pattern.compile("^\\| <a id=\"([^\"]+)\"></a>([^|]+) \\|", Pattern.MULTILINE);

  @Test
  void proseIsNarrowAndTablesAreToo() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Path page : pages()) {
      List<String> lines = Files.readAllLines(page);
      boolean fence = false;
      for (int i = 0; i < lines.size(); i++) {
        String line = lines.get(i);
        fence ^= line.startsWith("```");
        if (line.startsWith("|")) {
          int columns = line.replace("\\|", "").replaceAll("[^|]", "").length() - 1;
          if (columns > COLUMNS) {
            wrong.add(page + ":" + (i + 1) + ": a table of " + columns + " columns");
          }
        } else if (!fence && !line.startsWith("    ")) {
          int width = LINK.matcher(line).replaceAll("]").length();
          if (width > WIDTH) {
            wrong.add(page + ":" + (i + 1) + ": " + width + " characters in a line of prose");
          }
        }
      }
    }
    assertThat(wrong).as("at most %d characters, %d columns", WIDTH, COLUMNS).isEmpty();
  }

  @Test
  void whatIsLinkedIsThere() throws IOException {
    List<String> wrong = new ArrayList<>();
    int links = 0;
    for (Path page : pages()) {
      for (String target : targets(Files.readString(page))) {
        if (target.startsWith("http")) {
          continue;
        }
        links++;
        String[] parts = target.split("#", 2);
        Path file = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]).normalize();
        if (!Files.exists(file)
            || parts.length == 2 && !anchors(Files.readString(file)).contains(parts[1])) {
          wrong.add(page + ": " + target);
        }
      }
    }
    assertThat(links).isGreaterThan(100);
    assertThat(wrong).isEmpty();
  }

  @Test
  void eachTermOfTheGlossaryIsLinkedAtItsFirstUse() throws IOException {
    Map<String, String> terms = new LinkedHashMap<>();
    Matcher rows = TERM.matcher(Files.readString(CONCEPTS));
    while (rows.find()) {
      terms.put(rows.group(2), rows.group(1));
    }
    assertThat(terms).hasSizeGreaterThan(25).containsEntry("codeword", "codeword");
    List<String> wrong = new ArrayList<>();
    for (Path page : pages()) {
      if (page.equals(CONCEPTS)) {
        continue;
      }
      String prose = prose(Files.readString(page));
      terms.forEach(
          (term, anchor) -> {
            int linked = prose.indexOf("](concepts.md#" + anchor + ")");
            linked = linked < 0 ? prose.indexOf("](docs/concepts.md#" + anchor + ")") : linked;
            int used = firstUse(prose, term, terms.keySet());
            if (used >= 0 && (linked < 0 || used + term.length() + 2 < linked)) {
              wrong.add(page + ": '" + term + "' has no link to concepts.md#" + anchor);
            }
          });
    }
    assertThat(wrong).as("terms at their first use").isEmpty();
  }

  /**
   * Where a term first stands, but not as a part of a longer one; -1 for nowhere. A name in
   * capitals is another thing.
   */
  private static int firstUse(String prose, String term, Set<String> terms) {
    if (term.length() < 2) {
      // z is also a letter.
      return -1;
    }
    List<MatchResult> longer =
        terms.stream()
            .filter(other -> !other.equals(term) && other.contains(term))
            .flatMap(other -> uses(prose, other))
            .toList();
    return uses(prose, term)
        .filter(use -> use.group().matches(".*[a-z].*") || term.equals("HR@10"))
        .mapToInt(MatchResult::start)
        .filter(at -> longer.stream().noneMatch(l -> l.start() <= at && at < l.end()))
        .findFirst()
        .orElse(-1);
  }

  private static Stream<MatchResult> uses(String prose, String term) {
    String words = Pattern.quote(term).replace(" ", "\\E\\s+\\Q");
    return Pattern.compile(
            "(?<![\\w/#.=@-])" + words + "(?:e?s)?(?![\\w/@-]|\\.\\w)", Pattern.CASE_INSENSITIVE)
        .matcher(prose)
        .results();
  }

  /** A page without code, headings, tables and pictures. */
  private static String prose(String page) {
    StringBuilder prose = new StringBuilder();
    boolean fence = false;
    for (String line : page.split("\n", -1)) {
      fence ^= line.startsWith("```");
      if (!fence && !line.matches("(    |#|\\||!\\[|```).*")) {
        prose.append(line);
      }
      prose.append('\n');
    }
    return CODE.matcher(prose).replaceAll("");
  }

  private static List<String> targets(String page) {
    return LINK.matcher(page).results().map(found -> found.group(1)).toList();
  }

  /** Of headings as GitHub makes them, and those that a page sets itself. */
  private static List<String> anchors(String page) {
    List<String> anchors = new ArrayList<>();
    for (String line : page.split("\n", -1)) {
      if (line.matches("#+ .*")) {
        String heading = line.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT);
        anchors.add(heading.replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-'));
      }
    }
    Matcher own = Pattern.compile("<a id=\"([^\"]+)\">").matcher(page);
    own.results().map((MatchResult found) -> found.group(1)).forEach(anchors::add);
    return anchors;
  }

  private static List<Path> pages() throws IOException {
    try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
      List<Path> pages = new ArrayList<>(docs.filter(p -> p.toString().endsWith(".md")).toList());
      pages.sort(null);
      pages.add(0, ROOT.resolve("README.md"));
      return pages;
    }
  }
}
