package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.main.Main;
import io.sidstream.job.config.JobConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Every command, option and key of the configuration that README and docs/*.md name is there. */
class CommandsOfPagesTest {
  private static final Pattern COMMAND = Pattern.compile("\\./sidstream ([^`#\\n]*)");
  private static final Pattern OPTION = Pattern.compile("^(--?[a-z][a-z-]*)");
  private static final Pattern KEY =
      Pattern.compile("`([a-z][a-z-]*(?:\\.[a-z][a-z-]*)+)(?:[:=][^`]*)?`");
  private static final Pattern SHOWN = Pattern.compile("^(?:# )?([a-z.-]+): ");

  @Test
  void everyCommandAndOptionIsThere() throws IOException {
    List<String> wrong = new ArrayList<>();
    int options = 0;
    for (Path page : pages()) {
      Matcher commands = COMMAND.matcher(Files.readString(page));
      while (commands.find()) {
        List<CommandLine> at = List.of(Main.commandLine((env, config) -> {}));
        boolean names = true;
        for (String word : commands.group(1).replaceAll("[\\[\\])]", "").trim().split("\\s+")) {
          Matcher option = OPTION.matcher(word);
          if (option.find()) {
            names = false;
            options++;
            for (CommandLine command : at) {
              if (!command.getCommandSpec().optionsMap().containsKey(option.group(1))) {
                wrong.add(page + ": " + command.getCommandSpec().qualifiedName() + " " + word);
              }
            }
          } else if (names && word.matches("[a-z|-]+")) {
            List<CommandLine> next = new ArrayList<>();
            for (String name : word.split("\\|")) {
              at.stream()
                  .map(command -> command.getSubcommands().get(name))
                  .filter(command -> command != null)
                  .forEach(next::add);
            }
            boolean group = at.stream().anyMatch(command -> !command.getSubcommands().isEmpty());
            if (group && next.size() != word.split("\\|").length) {
              wrong.add(page + ": there is no command " + word);
            }
            at = next.isEmpty() ? at : next;
            names = !next.isEmpty();
          } else {
            names = false;
          }
        }
      }
    }
    assertThat(options).isGreaterThan(80);
    assertThat(wrong).isEmpty();
  }

  @Test
  void everyKeyOfTheConfigurationIsThere() throws IOException {
    Set<String> keys =
        JobConfig.defaults()
            .describe()
            .lines()
            .map(SHOWN::matcher)
            .filter(Matcher::find)
            .map(found -> found.group(1))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(keys).contains("quantizer.levels", "checkpoint.dir").hasSizeGreaterThan(60);
    // First parts of keys that no metric, package or file of a page begins with.
    Set<String> groups =
        Stream.of("bootstrap", "gate", "id", "ingest", "items", "learn", "quantizer", "resolve")
            .collect(Collectors.toSet());
    groups.addAll(Set.of("sequence", "tokenize", "topics", "embed", "recommender", "content"));
    List<String> wrong = new ArrayList<>();
    int named = 0;
    for (Path page : pages()) {
      Matcher found = KEY.matcher(Files.readString(page));
      while (found.find()) {
        String key = found.group(1);
        if (groups.contains(key.substring(0, key.indexOf('.')))
            && !key.matches(".*\\.(md|jsonl|csv|html|gz|tsv)")) {
          named++;
          if (!keys.contains(key)) {
            wrong.add(page + ": " + key);
          }
        }
      }
    }
    assertThat(named).isGreaterThan(100);
    assertThat(wrong).isEmpty();
  }

  private static List<Path> pages() throws IOException {
    try (Stream<Path> docs = Files.list(Path.of("..", "docs"))) {
      List<Path> pages = new ArrayList<>(docs.filter(p -> p.toString().endsWith(".md")).toList());
      pages.add(Path.of("..", "README.md"));
      return pages;
    }
  }
}
