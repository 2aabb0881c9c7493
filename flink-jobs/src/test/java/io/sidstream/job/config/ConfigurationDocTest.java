package io.sidstream.job.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * docs/configuration.md is written by the code: run with {@code
 * -Dtest.jvm.args=-Dsidstream.docs.write=true} to renew it.
 */
class ConfigurationDocTest {
  private static final Path DOC = Path.of("..", "docs", "configuration.md");

  @Test
  void theDocumentSaysWhatTheCodeSays() throws Exception {
    String text =
        """
        # Configuration

        For who runs the job. Settings are read from a YAML file (`--conf FILE`, nested keys or dotted ones) and from
        `--set key=value`, which wins. An unknown key, a wrong type, a value out of range and values that do not go together stop
        the job before it starts, with a message that names them. The values in effect are printed at the start. This page is
        generated from the code.

        ## The ten that one touches first

        `./sidstream init --data DIR --out job.yaml` writes them, fitted to a data set, each with its rule. What a setting trades
        for what: [tune.md](tune.md).

        """
            + first()
            + """

            ## Every setting

            """
            + JobConfig.markdownTable();
    if (Boolean.getBoolean("sidstream.docs.write")) {
      Files.writeString(DOC, text);
    }
    assertThat(Files.readString(DOC)).isEqualTo(text);
  }

  /** Head and rows of the table, of those settings. */
  private static String first() {
    List<String> table = JobConfig.markdownTable().lines().toList();
    Stream<String> rows =
        JobOptions.FIRST.stream()
            .map(
                option ->
                    table.stream()
                        .filter(row -> row.startsWith("| `" + option.key() + "` |"))
                        .findFirst()
                        .orElseThrow());
    return Stream.concat(table.stream().limit(2), rows).collect(Collectors.joining("\n", "", "\n"));
  }
}
