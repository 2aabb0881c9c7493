package io.sidstream.cli.load;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.rows.Format;
import io.sidstream.cli.rows.RowFile;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What {@code load items} and {@code load interactions} are asked. */
final class LoadOptions {
  @Mixin KafkaOptions kafka;

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "JSON lines, CSV or TSV with a header, or Parquet, by its name's end; .gz is unpacked; - is standard input.")
  private List<String> files;

  @Option(
      names = "--format",
      paramLabel = "FORM",
      description =
          "Form of the files where their names do not tell it: ${COMPLETION-CANDIDATES} (standard input: JSONL).")
  private Format format;

  @Option(
      names = "--map",
      paramLabel = "FIELD=COLUMN,...",
      description = {
        "Columns that have other names than the fields, such as item=asin,text=title+description,time=ts.",
        "Columns joined by + become one text; COLUMN[] takes a list and joins its parts."
      })
  String map;

  @Option(
      names = "--rate",
      defaultValue = "0",
      paramLabel = "N",
      description = "Records a second; 0: as fast as the brokers take them (default).")
  double rate;

  @Option(
      names = "--dry-run",
      description = "Check every record by the job's own rules, count by rule, send nothing.")
  boolean dryRun;

  @Option(
      names = "--conf",
      paramLabel = "FILE",
      description = "The job's configuration, for its limits and the names of its topics.")
  private Path conf;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting of the job; wins over --conf.")
  private List<String> sets = new ArrayList<>();

  /** The files, in the order of the command. */
  List<RowFile> files() {
    if (files.stream().filter("-"::equals).count() > 1) {
      throw new UsageException("- (standard input) can be read once");
    }
    List<RowFile> all = files.stream().map(name -> new RowFile(name, format)).toList();
    // A name that tells nothing is refused before the first file is loaded.
    all.forEach(RowFile::form);
    return all;
  }

  /**
   * The job's configuration.
   *
   * @param dim length of the vectors that are sent, 0 for none; taken where content.dim is not said
   */
  JobConfig config(int dim) {
    List<String> all = new ArrayList<>();
    JobConfig asked = JobConfig.load(conf, sets);
    if (dim > 0
        && asked.get(JobOptions.CONTENT_DIM).equals(JobOptions.CONTENT_DIM.defaultValue())) {
      all.add(JobOptions.CONTENT_DIM.key() + "=" + dim);
    }
    if (!kafka.prefix().equals(JobOptions.TOPICS_PREFIX.defaultValue())) {
      all.add(JobOptions.TOPICS_PREFIX.key() + "=" + kafka.prefix());
    }
    all.addAll(sets);
    return JobConfig.load(conf, all);
  }

  void check() {
    if (!(rate >= 0) || rate > 1e9) {
      throw new UsageException("--rate " + rate + ": 0 (as fast as they go) to 1,000,000,000");
    }
  }
}
