package io.sidstream.cli.init;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.CommandRun;
import io.sidstream.cli.data.DataSetReader;
import io.sidstream.cli.feed.FittedConfig;
import io.sidstream.cli.train.SmallCatalogue;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InitCommandTest {
  @TempDir Path folder;
  private Path out;

  @BeforeEach
  void write() throws IOException {
    SmallCatalogue.write(folder, 1);
    out = folder.resolve("job.yaml");
  }

  @Test
  void theFileIsWhatTheDemoWouldUse() throws IOException {
    CommandRun run = CommandRun.of("init", "--data", folder, "--out", out);
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("10 settings, fitted to", "120 items, 1,600 interactions", "job --conf " + out);
    JobConfig written = JobConfig.load(out, List.of());
    assertThat(written.get(JobOptions.QUANTIZER_CODEBOOK_SIZE)).isEqualTo(8);
    assertThat(written.get(JobOptions.BOOTSTRAP_ITEMS)).isEqualTo(48);
    assertThat(written.get(JobOptions.BOOTSTRAP_INTERACTIONS)).isEqualTo(320);
    assertThat(written.get(JobOptions.LEARN_ROUND_INTERACTIONS)).isEqualTo(80);
    JobConfig demo =
        new FittedConfig(null, List.of(), DataSetReader.read(folder, 0), null, false, 0)
            .config(null);
    // The demo's broker lets a transaction live longer than others do.
    assertThat(settings(written)).isEqualTo(settings(demo));
    assertThat(written.get(JobOptions.KAFKA_TRANSACTION_TIMEOUT))
        .isEqualTo(JobOptions.KAFKA_TRANSACTION_TIMEOUT.defaultValue());
  }

  @Test
  void everyKeyHasItsRuleAboveIt() throws IOException {
    CommandRun.of(
        "init", "--data", folder, "--vectors", folder.resolve("vectors.npy"), "--out", out);
    List<String> lines = Files.readAllLines(out);
    assertThat(lines.stream().filter(line -> line.matches("[a-z-.]+: \\S+"))).hasSize(10);
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).matches("[a-z].*")) {
        assertThat(lines.get(i - 1)).startsWith("# ");
      }
    }
    assertThat(lines)
        .contains("content.dim: 16")
        .contains(
            "# K, codewords of a level: the greatest power of two up to an eighth of the items, 8 at least. Fixed once a job has state. Default: 256");
  }

  @Test
  void withoutDataItHasTheDefaults() throws IOException {
    assertThat(CommandRun.of("init", "--out", out).code()).isZero();
    assertThat(JobConfig.load(out, List.of()).describe())
        .isEqualTo(JobConfig.defaults().describe());
  }

  @Test
  void aFileThatIsThereIsKeptUnlessForced() throws IOException {
    Files.writeString(out, "mine");
    CommandRun run = CommandRun.of("init", "--out", out);
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .contains(
            "--out " + out + " is there already: name another file, or replace it with --force");
    assertThat(out).hasContent("mine");
    assertThat(CommandRun.of("init", "--out", out, "--force").code()).isZero();
    assertThat(Files.readString(out)).contains("quantizer.levels: 3");
  }

  @Test
  void refusesWhatWasAskedWrongly() throws IOException {
    assertUsage("need --data", "init", "--map", "item=asin", "--out", out);
    assertUsage("no is not a folder", "init", "--data", folder.resolve("no"), "--out", out);
    assertUsage("there is no folder", "init", "--out", folder.resolve("no/job.yaml"));
    Path few = Files.writeString(folder.resolve("few.jsonl"), "{\"item\":\"A\"}\n");
    assertUsage("needs 8 or more", "init", "--data", few, "--out", out);
    assertUsage("are the same file", "init", "--data", few, "--out", few, "--force");
    assertThat(out).doesNotExist();
    assertThat(CommandRun.of("init", "--help").out()).contains("Example", "Exit codes: 0");
  }

  private static void assertUsage(String message, Object... args) {
    CommandRun run = CommandRun.of(args);
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }

  private static String settings(JobConfig config) {
    return config
        .describe()
        .lines()
        .filter(line -> !line.startsWith(JobOptions.KAFKA_TRANSACTION_TIMEOUT.key()))
        .collect(Collectors.joining("\n"));
  }
}
