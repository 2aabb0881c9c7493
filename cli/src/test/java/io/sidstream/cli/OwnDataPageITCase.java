package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.cli.main.Main;
import io.sidstream.cli.tokens.TokenTopics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * Every shell line of docs/own-data.md, in its order, and those by which README makes a token of an
 * own item. What starts a job, goes on until Ctrl-C, or is for more data than the page has, is only
 * parsed: a broker takes its place, and tokens written by the job's rules.
 */
class OwnDataPageITCase {
  private static final Path PAGE = Path.of("..", "docs", "own-data.md");
  private static final Path README = Path.of("..", "README.md");

  @TempDir Path folder;

  @Test
  void everyShellLineWorks() throws Exception {
    work(Files.readAllLines(PAGE), 8);
  }

  @Test
  void theReadmeMakesATokenOfAnOwnItem() throws Exception {
    List<String> readme = Files.readAllLines(README);
    int begin = readme.indexOf("## An item of your own");
    int end = readme.indexOf("## What comes out");
    work(readme.subList(begin, end), 3);
  }

  /** Runs the shell lines of a text, at least so many of which are commands that run. */
  private void work(List<String> page, int least) throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"));
        TokenTopics job = new TokenTopics(kafka.bootstrap(), "sidstream.")) {
      boolean tokens = false;
      int run = 0;
      for (String line : shellLines(page)) {
        if (!line.startsWith("./sidstream ")) {
          shell(line);
          continue;
        }
        List<String> words = words(line);
        if (List.of("demo", "init", "job", "ui").contains(words.get(0))) {
          new CommandLine(Main.commandLine((env, config) -> {}).getCommandSpec())
              .parseArgs(words.toArray(new String[0]));
          continue;
        }
        if (!List.of("load", "embed").contains(words.get(0)) && !tokens) {
          tokens = true;
          job.codebooks(1);
          job.token("A1", 1, 0, 1, 2, 3);
          job.token("A2", 1, 0, 1, 2, 4);
          job.token("A3", 1, 0, 5, 2, 4);
          job.commit(1);
          job.flush();
        }
        if (!words.get(0).equals("embed")) {
          words.addAll(List.of("--bootstrap", kafka.bootstrap()));
        }
        CommandRun done = CommandRun.of(words.toArray());
        assertThat(done.code()).as(line + "\n" + done.err()).isZero();
        run++;
      }
      assertThat(run).isGreaterThanOrEqualTo(least);
    }
    assertThat(folder.resolve("report.html")).isNotEmptyFile();
  }

  /** Lines of the indented blocks; a here-document is one. */
  private static List<String> shellLines(List<String> page) {
    List<String> lines = new ArrayList<>();
    StringBuilder document = null;
    for (String text : page) {
      if (!text.startsWith("    ")) {
        continue;
      }
      String line = text.substring(4);
      if (document != null) {
        document.append(line).append('\n');
        if (line.equals("END")) {
          lines.add(document.toString());
          document = null;
        }
      } else if (line.contains("<<'END'")) {
        document = new StringBuilder(line).append('\n');
      } else {
        lines.add(line);
      }
    }
    return lines;
  }

  private void shell(String line) throws Exception {
    Process process =
        new ProcessBuilder("bash", "-c", line)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(line).isZero();
  }

  /** What follows ./sidstream, with the names of files in the folder of the test. */
  private List<String> words(String line) {
    List<String> words = new ArrayList<>();
    for (String word : Arrays.asList(line.split(" ")).subList(1, line.split(" ").length)) {
      boolean file = word.matches(".*\\.(jsonl|csv|html|npy|txt|yaml)");
      words.add(file ? folder.resolve(word).toString() : word.replace("'", ""));
    }
    return words;
  }
}
