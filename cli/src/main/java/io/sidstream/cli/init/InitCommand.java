package io.sidstream.cli.init;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.DataSetOptions;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.feed.FittedConfig;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.configuration.ConfigOption;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream init}: a configuration to begin with. */
@Command(
    name = "init",
    mixinStandardHelpOptions = true,
    description = {
      "Write a configuration of the job with the ten settings that one touches first, each explained.",
      "With --data they are those that 'demo --data' would take; without it the defaults."
    },
    footer = {
      "",
      "Example:",
      "  sidstream init --data items.jsonl --interactions interactions.csv --out job.yaml",
      "",
      "Exit codes: 0 written, 1 failed, 2 asked for wrongly, or the file is there already."
    })
public final class InitCommand implements Callable<Integer> {
  /** What is said of those settings that no data are asked for. */
  private static final Map<ConfigOption<?>, String> SAID =
      Map.of(
          JobOptions.KAFKA_BOOTSTRAP,
          "Kafka brokers, host:port, separated by commas; --bootstrap wins over it.",
          JobOptions.TOPICS_PREFIX,
          "What the names of all topics begin with.",
          JobOptions.PARALLELISM,
          "Subtasks of each operator; one for each processor at most.",
          JobOptions.EMBED_MODEL,
          "Makes vectors of texts: minilm, minilm-quantized (faster), or a folder, with a / in it. Fixed once a job has state.");

  @Spec private CommandSpec spec;

  @Mixin private DataSetOptions data;

  @Option(
      names = "--out",
      defaultValue = "job.yaml",
      paramLabel = "FILE",
      description = "Where it is written (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Option(names = "--force", description = "Replace a file that is there.")
  private boolean force;

  @Override
  public Integer call() throws IOException {
    check();
    String about = "the defaults";
    JobConfig config = JobConfig.defaults();
    if (data.given()) {
      NpyVectors vectors = data.openVectors();
      DataSet set = data.read(0);
      about =
          String.format(
              Locale.ROOT,
              "fitted to %s: %,d items, %,d interactions",
              set.name().replaceAll("\\R", " "),
              set.items().size(),
              set.interactions());
      config = new FittedConfig(null, List.of(), set, vectors, false, 0).config(null);
    }
    String text = text(config, about);
    OutputFile.write(out, to -> to.write(text.getBytes(StandardCharsets.UTF_8)));
    spec.commandLine()
        .getOut()
        .printf(
            "%s: %d settings, %s%nnext: sidstream job --conf %s --state DIR%n",
            out, JobOptions.FIRST.size(), about, out);
    spec.commandLine().getOut().flush();
    return 0;
  }

  private void check() {
    data.check();
    OutputFile.check(List.of(new OutputFile.Named("--out", out)), data.files());
    if (Files.exists(out) && !force) {
      throw new UsageException(
          "--out " + out + " is there already: name another file, or replace it with --force");
    }
  }

  private static String text(JobConfig config, String about) {
    StringBuilder s = new StringBuilder();
    s.append("# Configuration of a sidstream job, ").append(about).append(".\n");
    s.append("# ").append(FittedConfig.BOUNDS).append('\n');
    s.append("# docs/configuration.md has every setting.\n");
    for (ConfigOption<?> option : JobOptions.FIRST) {
      Object value = config.get(option);
      String said = SAID.get(option);
      s.append("\n# ").append(said == null ? FittedConfig.rule(option) : said);
      s.append(value.equals(option.defaultValue()) ? "" : " Default: " + option.defaultValue());
      s.append('\n').append(option.key()).append(": ").append(value).append('\n');
    }
    return s.toString();
  }
}
