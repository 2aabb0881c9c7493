package io.sidstream.job.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.record.Rule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/dead-letters.md names every rule, and no other. */
class DeadLettersDocTest {
  @Test
  void theDocumentNamesEveryRule() throws Exception {
    List<String> table =
        Files.readAllLines(Path.of("..", "docs", "dead-letters.md")).stream()
            .filter(line -> line.startsWith("| `"))
            .map(line -> line.substring(0, line.indexOf('|', 1)))
            .toList();
    List<String> named =
        Pattern.compile("`([A-Z0-9_]+)`")
            .matcher(String.join(" ", table))
            .results()
            .map((MatchResult result) -> result.group(1))
            .toList();

    assertThat(named).doesNotHaveDuplicates();
    assertThat(new TreeSet<>(named))
        .isEqualTo(new TreeSet<>(Arrays.stream(Rule.values()).map(Rule::name).toList()));
  }
}
